/*
 * tuple.h
 *	  Rows of tables, compared.
 */
#ifndef SERVER_TUPLE_H
#define SERVER_TUPLE_H

#include "postgres.h"

#include "access/htup_details.h"
#include "utils/datum.h"

/*
 * Do two rows hold the same bytes in a column, or both NULL?  Whether a value is
 * compressed or out of line makes no difference.
 */
static inline bool
tuple_same_value(HeapTuple a, HeapTuple b, TupleDesc desc, AttrNumber number)
{
	Form_pg_attribute column = TupleDescAttr(desc, number - 1);
	bool		null_a;
	bool		null_b;
	Datum		x = heap_getattr(a, number, desc, &null_a);
	Datum		y = heap_getattr(b, number, desc, &null_b);

	if (null_a || null_b)
		return null_a && null_b;
	return datum_image_eq(x, y, column->attbyval, column->attlen);
}

#endif							/* SERVER_TUPLE_H */
