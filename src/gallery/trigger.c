/*
 * trigger.c
 *	  The room's triggers on users' tables, and its own names there.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/pg_trigger.h"
#include "commands/defrem.h"
#include "executor/spi.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "gallery/trigger.h"

AttrNumber
trigger_column(const TriggerData *trigger, int argument, const char *hint)
{
	const char *name = trigger->tg_trigger->tgargs[argument];
	int			number = SPI_fnumber(RelationGetDescr(trigger->tg_relation),
									 name);

	if (number <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						name, RelationGetRelationName(trigger->tg_relation)),
				 errhint("%s", hint)));
	return number;
}

static bool
is_update_wanted(const Trigger *trigger, Oid function, const char *argument,
				 bool internal)
{
	return trigger->tgfoid == function && trigger->tgisinternal == internal &&
		(argument == NULL ||
		 (trigger->tgnargs > 0 && strcmp(trigger->tgargs[0], argument) == 0));
}

Oid
trigger_find(Oid relid, const char *function, const char *argument,
			 bool internal)
{
	Oid			foid = LookupFuncName(list_make2(makeString("similarity"),
												 makeString(pstrdup(function))),
									  0, NULL, false);
	Relation	relation = table_open(relid, AccessShareLock);
	const TriggerDesc *triggers = relation->trigdesc;
	Oid			found = InvalidOid;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		if (is_update_wanted(&triggers->triggers[i], foid, argument, internal))
			found = triggers->triggers[i].tgoid;
	table_close(relation, AccessShareLock);
	return found;
}

void
trigger_drop(Oid trigger)
{
	ObjectAddress object;

	if (!OidIsValid(trigger))
		return;
	ObjectAddressSet(object, TriggerRelationId, trigger);
	performDeletion(&object, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
}

char *
trigger_random_name(const char *beginning)
{
	uint64		number;

	if (!pg_strong_random(&number, sizeof(number)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate a random number")));
	return psprintf("%s_%016llx", beginning, (unsigned long long) number);
}
