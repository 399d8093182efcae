/*
 * catalog_dependents.c
 *	  What hangs on a model, a version or a role, in the tables of every room.
 */
#include "postgres.h"

#include "executor/spi.h"

#include "server/catalog_dependents.h"

/* ---- deleting ---- */

/*
 * Nothing in the tables says what belongs to a row: foreign keys would have to
 * hold in whatever order a restore loads the tables, and do nothing while
 * session_replication_role is replica.  Each of these is one statement.
 */
#define DELETE_OF_RUNS \
	" epochs AS (DELETE FROM similarity.training_epoch e USING runs r WHERE e.run OPERATOR(pg_catalog.=) r.id)," \
	" steps AS (DELETE FROM similarity.training_step s USING runs r WHERE s.run OPERATOR(pg_catalog.=) r.id)," \
	" parts AS (DELETE FROM similarity.checkpoint_part p USING runs r WHERE p.run OPERATOR(pg_catalog.=) r.id)," \
	" checkpoints AS (DELETE FROM similarity.checkpoint c USING runs r WHERE c.run OPERATOR(pg_catalog.=) r.id),"

void
catalog_lock_versions(int32 model, int version)
{
	CatalogArgs args = {0};

	catalog_arg_int(&args, model);
	if (version == 0)
		(void) catalog_run("SELECT FROM _similarity.model WHERE id OPERATOR(pg_catalog.=) $1 FOR UPDATE", &args);
	catalog_arg_int(&args, version);
	(void) catalog_run("SELECT FROM _similarity.model_version WHERE model OPERATOR(pg_catalog.=) $1"
					   " AND (id OPERATOR(pg_catalog.=) $2 OR $2 OPERATOR(pg_catalog.=) 0) FOR UPDATE", &args);
}

char *
catalog_gallery_of_owner(int32 model, int version, int other)
{
	CatalogArgs args = {0};

	catalog_arg_int(&args, model);
	catalog_arg_int(&args, version);
	catalog_arg_int(&args, other);
	if (catalog_run("SELECT g.name FROM similarity.gallery g JOIN _similarity.model m ON m.id OPERATOR(pg_catalog.=) g.model"
					" WHERE m.id OPERATOR(pg_catalog.=) $1 AND pg_catalog.pg_has_role(m.owner, g.owner, 'USAGE')"
					" AND ($2 OPERATOR(pg_catalog.=) 0 OR g.version OPERATOR(pg_catalog.=) $2)"
					" AND ($3 OPERATOR(pg_catalog.=) 0 OR g.version OPERATOR(pg_catalog.<>) $3) ORDER BY g.name LIMIT 1", &args) == 0)
		return NULL;
	return catalog_column_text_or_null(0, 1);
}

/* Galleries of versions that go: their table and their calibration stay. */
#define RELEASE_OF_GALLERIES(condition) \
	" galleries AS (UPDATE similarity.gallery SET model = NULL, version = NULL, input = NULL WHERE " condition "),"

void
catalog_delete_version(int version)
{
	CatalogArgs args = {0};

	catalog_arg_int(&args, version);
	(void) catalog_run("WITH runs AS (DELETE FROM similarity.training_run WHERE version OPERATOR(pg_catalog.=) $1 RETURNING id),"
					   DELETE_OF_RUNS
					   RELEASE_OF_GALLERIES("version OPERATOR(pg_catalog.=) $1")
					   " weights AS (DELETE FROM _similarity.model_weights WHERE version OPERATOR(pg_catalog.=) $1),"
					   " versions AS (DELETE FROM _similarity.model_version WHERE id OPERATOR(pg_catalog.=) $1 RETURNING id)"
					   " INSERT INTO _similarity.retired_version (id) SELECT id FROM versions", &args);
}

void
catalog_delete_model(int32 model)
{
	CatalogArgs args = {0};

	catalog_arg_int(&args, model);
	(void) catalog_run("WITH runs AS (DELETE FROM similarity.training_run WHERE model OPERATOR(pg_catalog.=) $1 RETURNING id),"
					   DELETE_OF_RUNS
					   " jobs AS (DELETE FROM similarity.job WHERE model OPERATOR(pg_catalog.=) $1 RETURNING id),"
					   " messages AS (DELETE FROM similarity.job_message s USING jobs j WHERE s.job OPERATOR(pg_catalog.=) j.id),"
					   RELEASE_OF_GALLERIES("model OPERATOR(pg_catalog.=) $1")
					   " versions AS (DELETE FROM _similarity.model_version WHERE model OPERATOR(pg_catalog.=) $1 RETURNING id),"
					   " weights AS (DELETE FROM _similarity.model_weights w USING versions v WHERE w.version OPERATOR(pg_catalog.=) v.id),"
					   " deployments AS (DELETE FROM _similarity.deployment WHERE model OPERATOR(pg_catalog.=) $1),"
					   " grants AS (DELETE FROM _similarity.model_grant WHERE model OPERATOR(pg_catalog.=) $1),"
					   " models AS (DELETE FROM _similarity.model WHERE id OPERATOR(pg_catalog.=) $1)"
					   " INSERT INTO _similarity.retired_version (id) SELECT id FROM versions", &args);
}

/* ---- what roles own ---- */

char *
catalog_owned_by(const CatalogArgs *roles)
{
	if (catalog_run("SELECT kind FROM (SELECT pg_catalog.format('model \"%s\"', name) AS kind, 1 AS rank, id FROM _similarity.model"
					" WHERE owner OPERATOR(pg_catalog.=) ANY ($1)"
					" UNION ALL SELECT pg_catalog.format('gallery \"%s\"', name), 2, id FROM similarity.gallery"
					" WHERE owner OPERATOR(pg_catalog.=) ANY ($1)) o ORDER BY rank, id LIMIT 1", roles) == 0)
		return NULL;
	return catalog_column_text_or_null(0, 1);
}

void
catalog_delete_galleries_of(const CatalogArgs *roles)
{
	catalog_run("WITH gone AS (DELETE FROM similarity.gallery WHERE owner OPERATOR(pg_catalog.=) ANY ($1) RETURNING id),"
				" cutpoints AS (DELETE FROM similarity.cutpoint c USING gone g WHERE c.gallery OPERATOR(pg_catalog.=) g.id)"
				" DELETE FROM similarity.calibration c USING gone g WHERE c.gallery OPERATOR(pg_catalog.=) g.id", roles);
}

void
catalog_reassign_owned(const CatalogArgs *roles)
{
	catalog_run("WITH galleries AS (UPDATE similarity.gallery SET owner = $2 WHERE owner OPERATOR(pg_catalog.=) $1)"
				" UPDATE _similarity.model SET owner = $2 WHERE owner OPERATOR(pg_catalog.=) $1", roles);
}

void
catalog_forget_relations(const CatalogArgs *relations)
{
	catalog_run("WITH gone AS (DELETE FROM similarity.gallery WHERE relation OPERATOR(pg_catalog.=) ANY ($1) RETURNING id),"
				" cutpoints AS (DELETE FROM similarity.cutpoint c USING gone g WHERE c.gallery OPERATOR(pg_catalog.=) g.id),"
				" calibrations AS (DELETE FROM similarity.calibration c USING gone g WHERE c.gallery OPERATOR(pg_catalog.=) g.id),"
				" queued AS (DELETE FROM similarity.reembed_queue WHERE relation OPERATOR(pg_catalog.=) ANY ($1))"
				" DELETE FROM similarity.reembedding WHERE relation OPERATOR(pg_catalog.=) ANY ($1)", relations);
}
