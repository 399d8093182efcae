"""A model with two trainings and a gallery of it, for sections that show them."""


def prepare(test):
    if test.value("SELECT count(*) FROM pg_class WHERE relname = 'sketch'") > 0:
        return
    test.rows("""
        SET client_min_messages = error;
        CREATE TABLE sketch (id int PRIMARY KEY, kind text, image bytea, e embedding(3));
        INSERT INTO sketch SELECT i, 'kind ' || i % 4, (SELECT decode(string_agg(lpad(to_hex(((i % 4) * 60 + x * (1 + i % 4) * 9 + i * x * 37 % 50) % 256), 2, '0'), '' ORDER BY x), 'hex')
            FROM generate_series(0, 15) x) FROM generate_series(1, 120) i;
        SELECT similarity.create_model('sketch', input => '{4,4,1}', layers => '[{"rescaling": {"scale": 0.004}}, {"flatten": {}}, {"metric_embedding": {"units": 3}}]')""")
    for seed, epochs in ((1, 3), (2, 5)):
        test.rows("""CALL similarity.train('sketch', 'SELECT image, kind FROM sketch WHERE id <= 80 ORDER BY id', known_classes => '{kind 0,kind 1,kind 2}', epochs => %s,
            steps_per_epoch => 6, classes_per_batch => 3, seed => %s, log_steps => 2, validation => 'SELECT image, kind FROM sketch WHERE id > 80 ORDER BY id',
            augmentation => '["translate", "rotate"]', schedule => '{"cosine": {}}', verbose => false)""", epochs, seed)
    test.rows("""
        UPDATE similarity.training_epoch SET verdict = 'all embeddings are nearly the same: the model has <b>collapsed</b>' WHERE run = (SELECT min(run) FROM similarity.training_log) AND epoch >= 2;
        UPDATE sketch s SET e = b.e FROM (SELECT id, embed_batch('sketch', image) OVER () AS e FROM sketch) b WHERE b.id = s.id;
        SELECT similarity.create_gallery('drawer', 'sketch', 'e', 'kind', model => 'sketch', distance => 'euclidean', image => 'image')""")
