-- Trainings on files of pictures, and on augmented pictures, beside trainings on
-- bytes: what a whole training takes, by turns, with ResNet-18 at 32 x 32 x 3, or
-- with -v network=photos -v side=64 another architecture and size.
--
--   PHOTOS=/somewhere/photos make bench-trainings
--
-- PHOTOS has a folder of photographs for each class.  -v rounds=3 repeats the
-- turns, -v photos=2000 takes so many of them, -v threads=1 is the pool's size.  A
-- training passes once over the photographs, in batches of 10 classes x 4.
-- Rates are those of processor time, which other programs on the machine disturb
-- least, and of the clock.
\if :{?rounds} \else \set rounds 3 \endif
\if :{?photos} \else \set photos 2000 \endif
\if :{?network} \else \set network resnet18_sim \endif
\if :{?side} \else \set side 32 \endif
\if :{?threads} \else \set threads 0 \endif
\set ON_ERROR_STOP on
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION similarity;
SET similarity.threads = :threads;
CREATE TABLE photos (path text PRIMARY KEY, label text, image bytea);
\copy photos FROM PROGRAM 'cd "$PHOTOS" && find . \( -iname "*.jp*g" -o -iname "*.png" \) -print0 | xargs -0 perl -0777 -ne ''printf qq{"%s","%s",\\x%s\n}, $ARGV, (split m{/}, $ARGV)[-2], unpack("H*", $_)''' (format csv)
DELETE FROM photos WHERE path NOT IN (SELECT path FROM photos ORDER BY md5(path) LIMIT :photos);

-- as many bytes as the model's input has numbers: what they are takes no part
CREATE TABLE bytes AS SELECT path, label, (SELECT string_agg(sha256((path || i)::bytea), '') FROM generate_series(1, :side * :side * 3 / 32) i) AS image FROM photos;
SELECT similarity.create_model('network', ARRAY[:side, :side, 3], similarity.architecture(:'network')) \g /dev/null

-- processor time of this connection, all threads
CREATE FUNCTION processor_seconds() RETURNS float8 LANGUAGE sql RETURN
	(SELECT (f[14]::float8 + f[15]::float8) / 100 FROM string_to_array(pg_read_file('/proc/self/stat'), ' ') f);
CREATE TABLE kind (number int, name text, input text, augmentation jsonb);
INSERT INTO kind VALUES (1, 'bytes', 'bytes', NULL), (2, 'files', 'photos', NULL), (3, 'bytes, augmented by simclr', 'bytes', '"simclr"');
CREATE TABLE turn (kind int, round int, processor float8, clock float8);

SELECT format('INSERT INTO turn VALUES (%s, %s, processor_seconds(), extract(epoch FROM clock_timestamp()))', number, round),
	format('CALL similarity.train(%L, %L, augmentation => %L, epochs => 1, steps_per_epoch => %s, classes_per_batch => 10, examples_per_class => 4, seed => 42, verbose => false)',
		'network', format('SELECT image, label FROM %I ORDER BY path', input), augmentation, :photos / 40),
	format('UPDATE turn SET processor = processor_seconds() - processor, clock = extract(epoch FROM clock_timestamp()) - clock WHERE kind = %s AND round = %s', number, round)
FROM kind, generate_series(1, :rounds) round ORDER BY round, number
\gexec

-- medians of the ratios in one round
SELECT name AS training, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY t.processor)::numeric, 2) AS processor_s,
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY t.clock)::numeric, 2) AS clock_s,
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY b.processor / t.processor)::numeric, 3) AS rate_of_bytes,
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY b.clock / t.clock)::numeric, 3) AS rate_by_clock
FROM turn t JOIN turn b ON b.round = t.round AND b.kind = 1 JOIN kind ON number = t.kind GROUP BY number, name ORDER BY number;
