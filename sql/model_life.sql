-- The life of models: copied, exported, imported, their versions dropped.
SET extra_float_digits = 0;

-- A file as PyTorch writes it: half floats, units first, its own names.
SELECT similarity.import_model('linear', '\xb0000000000000007b225f5f6d657461646174615f5f223a207b22666f726d6174223a20227074227d2c202266632e776569676874223a207b226474797065223a2022463136222c20227368617065223a205b332c20325d2c2022646174615f6f666673657473223a205b302c2031325d7d2c202266632e62696173223a207b226474797065223a2022463332222c20227368617065223a205b335d2c2022646174615f6f666673657473223a205b31322c2032345d7d7d003c00400042004400450046000020410000a0410000f041', '{2}', '[{"dense": {"units": 3}}]', 'torch') > 0 AS imported;
SELECT embed('linear', '{1,0}'::real[]), embed('linear', '{0,1}'::real[]);
SELECT layer, output, parameters FROM similarity.model_summary('linear');
-- Kernels of images: OIHW becomes HWIO.
SELECT similarity.import_model('kernel', '\x92000000000000007b22632e776569676874223a207b226474797065223a2022463332222c20227368617065223a205b312c20322c20312c20325d2c2022646174615f6f666673657473223a205b302c2031365d7d2c2022632e62696173223a207b226474797065223a2022463332222c20227368617065223a205b315d2c2022646174615f6f666673657473223a205b31362c2032305d7d7d0000803f000020410000c84200007a440000003f', '{1,2,2}',
	'[{"conv2d": {"filters": 1, "kernel_size": [1, 2]}}, {"flatten": {}}]', 'torch') > 0 AS imported;
SELECT embed('kernel', '{1,0,0,0}'::real[]) AS x0c0, embed('kernel', '{0,1,0,0}'::real[]) AS x0c1,
	embed('kernel', '{0,0,1,0}'::real[]) AS x1c0;

-- Out and in again: the same weights, the architecture from the file.
SELECT similarity.export_model('linear') AS file \gset
SELECT similarity.import_model('again', :'file') > 0 AS imported;
SELECT count(DISTINCT fingerprint) AS fingerprints, count(DISTINCT version) AS versions FROM similarity.model_versions WHERE model IN ('linear', 'again');
SELECT l.layers = a.layers AND l.input = a.input AS same FROM similarity.models l, similarity.models a WHERE l.model = 'linear' AND a.model = 'again';
SELECT similarity.export_model('again') = :'file' AS same;
SELECT embed('again', '{1,1}'::real[]);

-- A copy goes its own way.
SELECT similarity.copy_model('linear', 'twin');
SELECT embed('twin', '{1,1}'::real[]), similarity.export_model('twin') = :'file' AS same;
SELECT count(DISTINCT fingerprint) AS fingerprints, count(DISTINCT version) AS versions FROM similarity.model_versions WHERE model IN ('linear', 'twin');
SELECT similarity.drop_model('linear');
SELECT embed('twin', '{1,1}'::real[]);
-- untrained: nothing but the architecture
SELECT count(*) FROM similarity.create_model('fresh', '{2}', '[{"dense": {"units": 3}}]');
SELECT similarity.copy_model('fresh', 'fresher');
SELECT model, deployed_version FROM similarity.models WHERE model LIKE 'fresh%' ORDER BY model;

-- Versions that nobody needs can go.
CALL similarity.train('twin', $$SELECT ARRAY[i % 2, i % 3]::real[], i % 2 FROM generate_series(1, 40) i$$, epochs => 1, steps_per_epoch => 2, seed => 1, verbose => false);
SELECT min(version) AS old, max(version) AS new FROM similarity.model_versions WHERE model = 'twin' \gset
SELECT similarity.drop_version('twin', :old);
SELECT count(*), bool_and(deployed) FROM similarity.model_versions WHERE model = 'twin';
SELECT count(*) FROM _similarity.model_weights WHERE version = :old;

-- Bad input.
\set VERBOSITY terse
DO $$BEGIN PERFORM similarity.drop_version('twin', (SELECT max(version) FROM similarity.model_versions WHERE model = 'twin'));
EXCEPTION WHEN object_in_use THEN RAISE NOTICE '%', regexp_replace(SQLERRM, '[0-9]+', 'N'); END$$;
SELECT similarity.drop_version('twin', 32767);
SELECT similarity.copy_model('twin', 'again');
SELECT similarity.copy_model('twin', NULL);
SELECT similarity.copy_model('nobody', 'x');
SELECT similarity.export_model('fresh');
SELECT similarity.export_model(NULL);
SELECT similarity.import_model('again', :'file');
SELECT similarity.import_model('x', NULL);
SELECT similarity.import_model('x', '');
SELECT similarity.import_model('x', 'no safetensors at all');
SELECT similarity.import_model('x', '\xffffffffffffffff7b7d');
SELECT similarity.import_model('x', '\x02000000000000007b7d');
SELECT similarity.import_model('x', '\x02000000000000007b7d', '{2}', '[{"dense": {"units": 3}}]');
SELECT similarity.import_model('x', substring(:'file'::bytea, 1, octet_length(:'file'::bytea) - 1));
SELECT similarity.import_model('x', '\x90000000000000007b2266632e776569676874223a207b226474797065223a2022463136222c20227368617065223a205b332c20325d2c2022646174615f6f666673657473223a205b302c20393939395d7d2c202266632e62696173223a207b226474797065223a2022463332222c20227368617065223a205b335d2c2022646174615f6f666673657473223a205b31322c2032345d7d7d003c00400042004400450046000020410000a0410000f041', '{2}', '[{"dense": {"units": 3}}]', 'torch');
SELECT similarity.import_model('x', '\xb0000000000000007b225f5f6d657461646174615f5f223a207b22666f726d6174223a20227074227d2c202266632e776569676874223a207b226474797065223a2022463136222c20227368617065223a205b332c20325d2c2022646174615f6f666673657473223a205b302c2031325d7d2c202266632e62696173223a207b226474797065223a2022463332222c20227368617065223a205b335d2c2022646174615f6f666673657473223a205b31322c2032345d7d7d003c00400042004400450046000020410000a0410000f041', '{2}', '[{"dense": {"units": 3}}]', 'keras');
SELECT similarity.import_model('x', '\xb0000000000000007b225f5f6d657461646174615f5f223a207b22666f726d6174223a20227074227d2c202266632e776569676874223a207b226474797065223a2022463136222c20227368617065223a205b332c20325d2c2022646174615f6f666673657473223a205b302c2031325d7d2c202266632e62696173223a207b226474797065223a2022463332222c20227368617065223a205b335d2c2022646174615f6f666673657473223a205b31322c2032345d7d7d003c00400042004400450046000020410000a0410000f041', '{2}', '[{"dense": {"units": 3}}]', 'chainer');
SELECT similarity.import_model('x', '\xb0000000000000007b225f5f6d657461646174615f5f223a207b22666f726d6174223a20227074227d2c202266632e776569676874223a207b226474797065223a2022463136222c20227368617065223a205b332c20325d2c2022646174615f6f666673657473223a205b302c2031325d7d2c202266632e62696173223a207b226474797065223a2022463332222c20227368617065223a205b335d2c2022646174615f6f666673657473223a205b31322c2032345d7d7d003c00400042004400450046000020410000a0410000f041', '{2}', '[{"dense": {"units": 100000}}]', 'torch');
SELECT similarity.import_model('x', '\x91000000000000007b2264656e73652f6b65726e656c223a207b226474797065223a2022463332222c20227368617065223a205b312c20315d2c2022646174615f6f666673657473223a205b302c20345d7d2c202264656e73652f62696173223a207b226474797065223a2022463332222c20227368617065223a205b315d2c2022646174615f6f666673657473223a205b342c20385d7d7d0000c07f00000000', '{1}', '[{"dense": {"units": 1}}]');
SELECT similarity.import_model('x', '\x91000000000000007b2264656e73652f6b65726e656c223a207b226474797065223a2022493332222c20227368617065223a205b312c20315d2c2022646174615f6f666673657473223a205b302c20345d7d2c202264656e73652f62696173223a207b226474797065223a2022463332222c20227368617065223a205b315d2c2022646174615f6f666673657473223a205b342c20385d7d7d0100000000000000', '{1}', '[{"dense": {"units": 1}}]');
SELECT count(*) FROM similarity.models WHERE model = 'x';
SELECT similarity.drop_model(model) FROM similarity.models WHERE model IN ('kernel', 'again', 'twin', 'fresh', 'fresher');
