-- In the cluster in front: the forms of a search that test/shards/run compares.
-- Tables over the first one, two and four shards, and what asks each shard for
-- ten rows, all at the same time: a number, since a plan for any LIMIT does not
-- send it.
\set ON_ERROR_STOP on
CREATE FUNCTION pg_temp.over_shards(n int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TABLE over_%s (LIKE items) PARTITION BY HASH (id)', n);
	FOR i IN 1 .. n LOOP
		EXECUTE format('CREATE FOREIGN TABLE over_%1$s_%2$s PARTITION OF over_%1$s
			FOR VALUES WITH (MODULUS %1$s, REMAINDER %3$s) SERVER shard%2$s OPTIONS (table_name ''items'')', n, i, i - 1);
	END LOOP;
	EXECUTE format(
		'CREATE FUNCTION nearest_%s(q embedding) RETURNS TABLE (id bigint, label int, distance float8) STABLE LANGUAGE plpgsql AS
		''BEGIN RETURN QUERY SELECT n.id, n.label, n.distance FROM (%s OFFSET 0) n ORDER BY n.distance LIMIT 10; END''', n,
		(SELECT string_agg(format('(SELECT t.id, t.label, t.e <=> q AS distance FROM %s t ORDER BY t.e <=> q LIMIT 10)', inhrelid::regclass), ' UNION ALL ')
			FROM pg_inherits WHERE inhparent = format('over_%s', n)::regclass));
	PERFORM similarity.create_gallery(format('over_%s', n), format('over_%s', n)::regclass, embedding => 'e', label => 'label', key => 'id');
END $$;
SELECT pg_temp.over_shards(1), pg_temp.over_shards(2), pg_temp.over_shards(4) \g /dev/null
