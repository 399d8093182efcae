/*
 * catalog_tables.h
 *	  Columns of the catalog tables that are read without SQL.
 *
 * As sql/install creates them; test/t/001_install.pl compares this file with
 * the installed tables.
 */
#ifndef SERVER_CATALOG_TABLES_H
#define SERVER_CATALOG_TABLES_H

/* _similarity.model */
enum
{
	MODEL_ID = 1, MODEL_NAME, MODEL_OWNER, MODEL_INPUT, MODEL_LAYERS,
	MODEL_IMAGE, MODEL_DIMS, MODEL_CREATED
};

/* _similarity.model_grant */
enum
{
	MODEL_GRANT_MODEL = 1, MODEL_GRANT_GRANTEE
};

/* _similarity.model_version */
enum
{
	MODEL_VERSION_ID = 1, MODEL_VERSION_MODEL, MODEL_VERSION_FINGERPRINT,
	MODEL_VERSION_METRICS, MODEL_VERSION_CREATED
};

/* _similarity.model_weights */
enum
{
	MODEL_WEIGHTS_VERSION = 1, MODEL_WEIGHTS_TENSOR, MODEL_WEIGHTS_PART,
	MODEL_WEIGHTS_SHAPE, MODEL_WEIGHTS_CHECKSUM, MODEL_WEIGHTS_DATA
};

/* _similarity.deployment */
enum
{
	DEPLOYMENT_MODEL = 1, DEPLOYMENT_VERSION, DEPLOYMENT_DEPLOYED
};

/* similarity.gallery */
enum
{
	GALLERY_ID = 1, GALLERY_NAME, GALLERY_OWNER, GALLERY_RELATION,
	GALLERY_EMBEDDING, GALLERY_LABEL, GALLERY_KEY, GALLERY_IMAGE,
	GALLERY_IMAGE_SHAPE, GALLERY_DISTANCE, GALLERY_MODEL, GALLERY_VERSION,
	GALLERY_CREATED, GALLERY_INPUT
};

#endif							/* SERVER_CATALOG_TABLES_H */
