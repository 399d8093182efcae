-- Ready-made architectures: the rows come from model/*.json and model/networks,
-- by model/rows.

CREATE TABLE similarity.architecture (
	name text,
	layout text,
	description text NOT NULL,
	input integer[] NOT NULL,
	layers jsonb NOT NULL,
	PRIMARY KEY (name, layout)
);
COMMENT ON TABLE similarity.architecture IS 'ready-made architectures for create_model; part of the extension, not of a dump';
COMMENT ON COLUMN similarity.architecture.name IS 'what similarity.architecture() is called with';
COMMENT ON COLUMN similarity.architecture.layout IS 'the library that it has names of layers, padding and scale of pictures from: import_model''s layout for that library''s weights';
COMMENT ON COLUMN similarity.architecture.description IS 'one line, with the source';
COMMENT ON COLUMN similarity.architecture.input IS 'shape of one row that it was made for; other sizes of pictures may fit as well';
COMMENT ON COLUMN similarity.architecture.layers IS 'as create_model takes them';
GRANT SELECT ON similarity.architecture TO PUBLIC;

-- Without a layout, that of torchvision comes before those of timm and Keras.
CREATE FUNCTION similarity.architecture(name text, embedding integer DEFAULT NULL, layout text DEFAULT NULL, head jsonb DEFAULT NULL) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found jsonb;
BEGIN
	SELECT a.layers INTO found FROM similarity.architecture a
	WHERE a.name = architecture.name AND a.layout = coalesce(architecture.layout, a.layout)
	ORDER BY a.layout COLLATE "C" DESC LIMIT 1;
	IF found IS NULL AND EXISTS (SELECT FROM similarity.architecture a WHERE a.name = architecture.name) THEN
		RAISE EXCEPTION 'architecture "%" does not exist with layout "%"', name, layout
			USING ERRCODE = 'undefined_object',
				HINT = (SELECT 'Valid values are ' || string_agg('"' || a.layout || '"', ', ' ORDER BY a.layout) || '.'
					FROM similarity.architecture a WHERE a.name = architecture.name);
	ELSIF found IS NULL THEN
		RAISE EXCEPTION 'unrecognized architecture "%"', name
			USING ERRCODE = 'undefined_object',
				HINT = (SELECT 'Valid values are ' || string_agg('"' || n || '"', ', ' ORDER BY n) || '.'
					FROM (SELECT DISTINCT a.name FROM similarity.architecture a) AS names(n));
	ELSIF embedding IS NOT NULL AND head IS NOT NULL THEN
		RAISE EXCEPTION 'embedding and head exclude each other'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Let the head end with {"metric_embedding": {"units": 64}}.';
	ELSIF jsonb_typeof(head) <> 'array' THEN
		RAISE EXCEPTION 'head must be a JSON array of layers' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF embedding IS NOT NULL THEN
		found := jsonb_set(found, '{-1,metric_embedding,units}', to_jsonb(embedding));
	ELSIF head IS NOT NULL THEN
		found := found - (-1) || head;
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION similarity.architecture(text, integer, text, jsonb) IS
	'layers of a ready-made architecture for create_model and import_model; the table similarity.architecture lists them. embedding: dimensions of the embeddings. layout: as torchvision, timm or keras have it. head: layers in place of the last one, [] for none';
