-- The share of the true ten nearest that a query finds, which returns distances
-- from $1; column of truth: all rows, or those of a kind
CREATE FUNCTION recall(search text, "column" text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	asked record;
	distance float8;
	hits bigint := 0;
BEGIN
	FOR asked IN SELECT e, (to_jsonb(truth) ->> "column")::float8 AS tenth FROM query JOIN truth USING (id) LOOP
		FOR distance IN EXECUTE search USING asked.e LOOP
			hits := hits + (distance <= asked.tenth + 1e-7)::int;
		END LOOP;
	END LOOP;
	RETURN hits / (10.0 * (SELECT count(*) FROM query));
END $$;
