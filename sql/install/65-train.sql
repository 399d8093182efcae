-- Training.  The procedure has no SET clause, which would forbid it to commit;
-- it qualifies every name instead.  It is not STRICT: seed, known_classes and
-- classes_per_batch have a meaning when NULL.
CREATE PROCEDURE similarity.train(
	model text,
	source text,
	loss text DEFAULT 'multi_similarity',
	loss_params jsonb DEFAULT '{}',
	optimizer text DEFAULT 'adam',
	optimizer_params jsonb DEFAULT '{}',
	epochs integer DEFAULT 5,
	steps_per_epoch integer DEFAULT 1000,
	classes_per_batch integer DEFAULT NULL,
	examples_per_class integer DEFAULT 2,
	seed bigint DEFAULT NULL,
	known_classes text[] DEFAULT NULL,
	verbose boolean DEFAULT true)
	AS 'MODULE_PATHNAME', 'train_model' LANGUAGE C;
COMMENT ON PROCEDURE similarity.train(text, text, text, jsonb, text, jsonb, integer, integer, integer, integer, bigint, text[], boolean)
	IS 'trains a model on a query of (input, label) and deploys the new version; commits as it goes outside of a transaction block';

-- A loss by itself.  Not STRICT: labels, params and second may be NULL.
CREATE FUNCTION similarity.loss(name text, labels integer[], embeddings embedding[], params jsonb DEFAULT '{}',
	second embedding[] DEFAULT NULL, OUT value double precision, OUT gradient embedding[], OUT second_gradient embedding[])
	RETURNS record AS 'MODULE_PATHNAME', 'evaluate_loss' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION similarity.loss(text, integer[], embedding[], jsonb, embedding[]) IS
	'a loss of embeddings and its gradient in double precision; second: the proxies of a proxy loss, the other view of a loss of two views';
