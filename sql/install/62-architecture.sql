-- Ready-made architectures: the rows come from model/*.json, by model/rows.

CREATE TABLE similarity.architecture (
	name text PRIMARY KEY,
	description text NOT NULL,
	input integer[] NOT NULL,
	layers jsonb NOT NULL
);
COMMENT ON TABLE similarity.architecture IS 'ready-made architectures for create_model; part of the extension, not of a dump';
COMMENT ON COLUMN similarity.architecture.name IS 'what similarity.architecture() is called with';
COMMENT ON COLUMN similarity.architecture.description IS 'one line, with the source';
COMMENT ON COLUMN similarity.architecture.input IS 'shape of one row that it was made for; other sizes of pictures may fit as well';
COMMENT ON COLUMN similarity.architecture.layers IS 'as create_model takes them';
GRANT SELECT ON similarity.architecture TO PUBLIC;

CREATE FUNCTION similarity.architecture(name text, embedding integer DEFAULT NULL) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found jsonb;
BEGIN
	SELECT a.layers INTO found FROM similarity.architecture a WHERE a.name = architecture.name;
	IF found IS NULL THEN
		RAISE EXCEPTION 'unrecognized architecture "%"', name
			USING ERRCODE = 'undefined_object',
				HINT = (SELECT 'Valid values are ' || string_agg('"' || a.name || '"', ', ' ORDER BY a.name) || '.' FROM similarity.architecture a);
	END IF;
	IF embedding IS NOT NULL THEN
		found := jsonb_set(found, '{-1,metric_embedding,units}', to_jsonb(embedding));
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION similarity.architecture(text, integer) IS
	'layers of a ready-made architecture for create_model, with embeddings of so many dimensions if given; the table similarity.architecture lists them';
