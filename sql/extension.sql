-- The extension installs into any schema and keeps its own.
SELECT extversion, extnamespace::regnamespace FROM pg_extension WHERE extname = 'similarity';
SELECT nspname FROM pg_namespace WHERE nspname = 'similarity';
