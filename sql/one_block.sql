-- Procedures that commit see what the block that calls them has done before.
CREATE TABLE block_rows AS SELECT i AS id, 'c' || i % 4 AS label, ARRAY[i % 4, sin(i), cos(i)]::real[] AS x FROM generate_series(1, 40) i;
DO $$
BEGIN
	PERFORM similarity.create_model('made in a block', '{3}', '[{"dense": {"units": 4}}]');
	CALL similarity.train('made in a block', 'SELECT x, label FROM block_rows', epochs => 1, steps_per_epoch => 1, seed => 1, verbose => false);
END
$$;
-- in a loop, too, whose query is a portal of its own
DO $$
DECLARE
	model text;
BEGIN
	FOR model IN VALUES ('first of a loop'), ('second of a loop') LOOP
		PERFORM similarity.create_model(model, '{3}', '[{"dense": {"units": 4}}]');
		CALL similarity.train(model, 'SELECT x, label FROM block_rows', epochs => 1, steps_per_epoch => 1, seed => 1, verbose => false);
	END LOOP;
END
$$;
SELECT model, (SELECT count(*) FROM similarity.model_versions v WHERE v.model = m.model) AS versions
FROM similarity.models m WHERE model LIKE '% of a loop' OR model = 'made in a block' ORDER BY 1;

-- a version, a gallery and its rows
CALL similarity.train('made in a block', 'SELECT x, label FROM block_rows', epochs => 1, steps_per_epoch => 1, seed => 2, verbose => false);
CREATE TABLE block_gallery (id integer PRIMARY KEY, label text, x real[], e embedding(4));
DO $$
DECLARE
	newest bigint := (SELECT max(version) FROM similarity.model_versions WHERE model = 'made in a block');
BEGIN
	PERFORM similarity.deploy('made in a block', (SELECT min(version) FROM similarity.model_versions WHERE model = 'made in a block'));
	PERFORM similarity.create_gallery('block gallery', 'block_gallery', embedding => 'e', label => 'label', model => 'made in a block');
	PERFORM similarity.attach('block gallery', 'x');
	INSERT INTO block_gallery SELECT id, label, x FROM block_rows;
	CALL similarity.reembed('made in a block', newest);
END
$$;
SELECT deployed_version = (SELECT max(version) FROM similarity.model_versions v WHERE v.model = m.model) AS deployed,
	(SELECT count(*) FROM block_gallery WHERE l2_distance(e, embed('made in a block', x)) < 1e-5) AS embedded
FROM similarity.models m WHERE model = 'made in a block';

-- what fails takes all of the block with it
DO $$
BEGIN
	PERFORM similarity.create_model('never made', '{3}', '[{"dense": {"units": 4}}]');
	CALL similarity.train('never made', 'SELECT x[1:2], label FROM block_rows', epochs => 1, steps_per_epoch => 1, seed => 1, verbose => false);
END
$$;
SELECT count(*) FROM similarity.models WHERE model = 'never made';

SELECT similarity.drop_gallery('block gallery');
SELECT count(similarity.drop_model(model)) FROM similarity.models WHERE model LIKE '% of a loop' OR model = 'made in a block';
DROP TABLE block_gallery, block_rows;
