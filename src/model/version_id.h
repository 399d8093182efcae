/*
 * version_id.h
 *	  Ids for new versions.
 */
#ifndef MODEL_VERSION_ID_H
#define MODEL_VERSION_ID_H

#include "postgres.h"

/*
 * An id for a version that the current transaction makes, reserved until its
 * end: the least that no version ever had, so that what is rolled back uses up
 * none.  If there is none left, that of the version which was dropped first,
 * with a WARNING.  SPI must be connected.
 */
extern int	version_id_new(void);

#endif							/* MODEL_VERSION_ID_H */
