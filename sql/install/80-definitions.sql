-- What must not be built on embed(), since a dump of it could not be loaded.

CREATE FUNCTION similarity.check_definition() RETURNS event_trigger
	AS 'MODULE_PATHNAME', 'check_definition' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION similarity.check_definition() IS
	'event trigger: refuses generated columns, check constraints and partition keys that call embed(), since rows of a dump may be loaded before the model';

CREATE EVENT TRIGGER similarity_check_definition ON ddl_command_end
	WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE',
		'CREATE DOMAIN', 'ALTER DOMAIN', 'CREATE SCHEMA')
	EXECUTE FUNCTION similarity.check_definition();
ALTER EVENT TRIGGER similarity_check_definition ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER similarity_check_definition IS 'refuses what a dump could not bring back: see similarity.check_definition()';
