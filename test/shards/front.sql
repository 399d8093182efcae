-- In the cluster in front: four servers, one table over them, and a function
-- that asks them at the same time.  :host1 ... :host4 are their addresses; the
-- first has a replica behind a comma.
\set ON_ERROR_STOP on
\set ECHO queries
CREATE EXTENSION similarity;
CREATE EXTENSION postgres_fdw;
CREATE EXTENSION dblink;

-- async_capable: asked together with others.  cursor_tuple_fraction: few rows
-- of what a shard sorts will be fetched, so that it takes its index.
CREATE SERVER shard1 FOREIGN DATA WRAPPER postgres_fdw
	OPTIONS (host :'host1', port '5432,5432', dbname 'postgres', extensions 'similarity');
CREATE SERVER shard2 FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'host2', dbname 'postgres', extensions 'similarity');
CREATE SERVER shard3 FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'host3', dbname 'postgres', extensions 'similarity');
CREATE SERVER shard4 FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'host4', dbname 'postgres', extensions 'similarity');
SELECT format('ALTER SERVER %I OPTIONS (ADD async_capable ''true'', ADD options ''-c cursor_tuple_fraction=0.0001'', '
	'ADD batch_size ''100'', ADD parallel_commit ''true'')', srvname) FROM pg_foreign_server \gexec
SELECT format('CREATE USER MAPPING FOR PUBLIC SERVER %I', srvname) FROM pg_foreign_server \gexec

CREATE TABLE items (id bigint, kind int, label int, e embedding(128)) PARTITION BY HASH (id);
CREATE FOREIGN TABLE items_1 PARTITION OF items FOR VALUES WITH (MODULUS 4, REMAINDER 0) SERVER shard1 OPTIONS (table_name 'items');
CREATE FOREIGN TABLE items_2 PARTITION OF items FOR VALUES WITH (MODULUS 4, REMAINDER 1) SERVER shard2 OPTIONS (table_name 'items');
CREATE FOREIGN TABLE items_3 PARTITION OF items FOR VALUES WITH (MODULUS 4, REMAINDER 2) SERVER shard3 OPTIONS (table_name 'items');
CREATE FOREIGN TABLE items_4 PARTITION OF items FOR VALUES WITH (MODULUS 4, REMAINDER 3) SERVER shard4 OPTIONS (table_name 'items');
