-- Label rows of the table pool by chance and as suggest_labels() says, from the same
-- 20 rows; how many of the table test the nearest labeled row is right about.
CREATE TABLE chosen (seed int, n int, random numeric, suggested numeric);
CREATE FUNCTION accuracy() RETURNS numeric LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT round(avg((p.truth = t.truth)::int), 4) FROM (SELECT row_number() OVER (ORDER BY id) AS query, truth FROM test) t
		JOIN similarity.knn('labeled', 'e', (SELECT array_agg(e ORDER BY id) FROM test), 1, 'cosine') k USING (query)
		JOIN labeled p ON p.ctid = k.id);
END $$;
CREATE PROCEDURE label_by_chance(seed int, n int) LANGUAGE sql AS $$
	UPDATE pool SET label = truth WHERE id IN (SELECT id FROM pool WHERE label IS NULL ORDER BY hashtextextended(id::text, seed) LIMIT n) $$;
CREATE PROCEDURE compare(seed int, n int) LANGUAGE plpgsql AS $$
DECLARE
	by_chance numeric;
BEGIN
	UPDATE pool SET label = NULL;
	CALL label_by_chance(seed, 20);
	CREATE TABLE start AS SELECT id FROM pool WHERE label IS NOT NULL;
	CALL label_by_chance(seed, n);
	CREATE TABLE labeled AS SELECT * FROM pool WHERE label IS NOT NULL;
	by_chance := accuracy();
	DROP TABLE labeled;
	UPDATE pool SET label = NULL WHERE id NOT IN (SELECT id FROM start);
	UPDATE pool SET label = truth WHERE id IN (SELECT key::bigint FROM similarity.suggest_labels('pool', n));
	CREATE TABLE labeled AS SELECT * FROM pool WHERE label IS NOT NULL;
	INSERT INTO chosen VALUES (seed, n, by_chance, accuracy());
	DROP TABLE labeled, start;
END $$;
SELECT format('CALL compare(%s, %s)', seed, n) FROM generate_series(1, 5) seed, unnest('{20,50,100,300}'::int[]) n \gexec
SELECT n AS labeled_more, round(avg(random), 3) AS by_chance, round(stddev(random), 3) AS sd, round(avg(suggested), 3) AS suggested,
	round(stddev(suggested), 3) AS sd FROM chosen GROUP BY n ORDER BY n;
