-- Training.  The procedure has no SET clause, which would forbid it to commit;
-- it qualifies every name instead.  It is not STRICT: seed, known_classes,
-- classes_per_batch and from_version have a meaning when NULL.
CREATE PROCEDURE similarity.train(
	model text,
	source text,
	loss text DEFAULT 'multi_similarity',
	loss_params jsonb DEFAULT '{}',
	optimizer text DEFAULT 'adam',
	optimizer_params jsonb DEFAULT '{}',
	schedule jsonb DEFAULT NULL,
	epochs integer DEFAULT 5,
	steps_per_epoch integer DEFAULT 1000,
	classes_per_batch integer DEFAULT NULL,
	examples_per_class integer DEFAULT 2,
	seed bigint DEFAULT NULL,
	known_classes text[] DEFAULT NULL,
	max_examples_per_class integer DEFAULT NULL,
	sampler text DEFAULT 'multi_shot',
	validation text DEFAULT NULL,
	checkpoint_interval interval DEFAULT '10 minutes',
	resume boolean DEFAULT false,
	log_steps integer DEFAULT 100,
	verbose boolean DEFAULT true,
	from_version bigint DEFAULT NULL,
	trainable jsonb DEFAULT NULL,
	categories_per_batch integer DEFAULT NULL,
	augmentation jsonb DEFAULT NULL,
	method text DEFAULT NULL,
	method_params jsonb DEFAULT NULL)
	AS 'MODULE_PATHNAME', 'train_model' LANGUAGE C;
COMMENT ON PROCEDURE similarity.train(text, text, text, jsonb, text, jsonb, jsonb, integer, integer, integer, integer, bigint, text[], integer, text, text, interval, boolean, integer, boolean, bigint, jsonb, integer, jsonb, text, jsonb)
	IS 'trains a model on a query of (input, label) and deploys the new version; commits as it goes outside of a transaction block. from_version: start from the weights of a version of the model, not from fresh ones. trainable: {"pattern": false} freezes the layers whose names match, in which * stands for any characters; a number is a factor of their learning rate; a name comes before patterns, a longer pattern before a shorter one. categories_per_batch: the query returns (input, label, category), and the classes of a batch come from so many categories. augmentation: a list of steps that change the training rows'' pictures at random, each "name" or {"name": {parameters}}, as augmentations() lists and augment() shows them. method: learn from views of rows without labels, by simclr, simsiam, byol, barlow, vicreg or swav; the query returns (input) or (input, label), where NULL is no label, and a batch takes classes_per_batch rows';

-- What augmentation does, to look at.  Not STRICT: model and shape may be NULL.
CREATE FUNCTION similarity.augment(image bytea, pipeline jsonb, seed bigint DEFAULT 1, view integer DEFAULT 1,
	model text DEFAULT NULL, shape integer[] DEFAULT NULL) RETURNS bytea
	AS 'MODULE_PATHNAME', 'augment_image' LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION similarity.augment(bytea, jsonb, bigint, integer, text, integer[]) IS
	'a PNG file of a picture changed as train(augmentation => pipeline) does, another one for each seed. image: a JPEG or PNG file, taken at its own size, or as a model takes it, or brought to shape; or pixels of the model''s input or of shape. "mixup", which needs another picture, is left out';
CREATE FUNCTION similarity.augmentations()
	RETURNS TABLE (augmentation text, parameter text, type text, "default" text, accepted text, description text)
	AS 'MODULE_PATHNAME', 'list_augmentations' LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 60;
COMMENT ON FUNCTION similarity.augmentations() IS
	'each step of an augmentation, and each preset, and, one row each, its parameters';

-- Batches to look at, without a model.
CREATE FUNCTION similarity.sample_batch(
	source text,
	classes_per_batch integer DEFAULT NULL,
	examples_per_class integer DEFAULT 2,
	seed bigint DEFAULT NULL,
	known_classes text[] DEFAULT NULL,
	max_examples_per_class integer DEFAULT NULL,
	sampler text DEFAULT 'multi_shot',
	batches integer DEFAULT 1,
	categories_per_batch integer DEFAULT NULL)
	RETURNS TABLE (batch integer, "position" integer, "row" bigint, label text, input text)
	AS 'MODULE_PATHNAME', 'sample_batch' LANGUAGE C VOLATILE COST 100000 ROWS 20;
COMMENT ON FUNCTION similarity.sample_batch(text, integer, integer, bigint, text[], integer, text, integer, integer) IS
	'the first batches that a training on this query would draw; row counts the query''s rows that take part, from 1';

CREATE FUNCTION similarity.batch_class_ratio(
	source text,
	classes_per_batch integer DEFAULT NULL,
	examples_per_class integer DEFAULT 2,
	seed bigint DEFAULT NULL,
	known_classes text[] DEFAULT NULL,
	max_examples_per_class integer DEFAULT NULL,
	sampler text DEFAULT 'multi_shot',
	num_batches integer DEFAULT 100,
	categories_per_batch integer DEFAULT NULL)
	RETURNS double precision AS 'MODULE_PATHNAME', 'batch_class_ratio' LANGUAGE C VOLATILE COST 100000;
COMMENT ON FUNCTION similarity.batch_class_ratio(text, integer, integer, bigint, text[], integer, text, integer, integer) IS
	'mean number of rows of a class in the batches that a training would draw; below 2 some rows have no positive';

-- A loss by itself.  Not STRICT: labels, params and second may be NULL.
CREATE FUNCTION similarity.loss(name text, labels integer[], embeddings embedding[], params jsonb DEFAULT '{}',
	second embedding[] DEFAULT NULL, OUT value double precision, OUT gradient embedding[], OUT second_gradient embedding[])
	RETURNS record AS 'MODULE_PATHNAME', 'evaluate_loss' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION similarity.loss(text, integer[], embedding[], jsonb, embedding[]) IS
	'a loss of embeddings and its gradient in double precision; second: the proxies of a proxy loss, the other view of a loss of two views';
