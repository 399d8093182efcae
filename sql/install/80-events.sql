-- Event triggers, on replicas too: what depends on models and galleries, and on
-- what they depend.

-- CREATE on schema similarity is the right to create models and galleries; it
-- must not let anybody plant functions there, which others would run.

CREATE FUNCTION similarity.guard_schema() RETURNS event_trigger
	AS 'MODULE_PATHNAME', 'guard_schema' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION similarity.guard_schema() IS
	'event trigger: only superusers put tables, functions and the like into the schemas of the extension';
CREATE EVENT TRIGGER similarity_guard_schema ON ddl_command_end
	EXECUTE FUNCTION similarity.guard_schema();
ALTER EVENT TRIGGER similarity_guard_schema ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER similarity_guard_schema IS 'keeps the schemas of the extension to itself';

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

-- Galleries go with their table.
CREATE FUNCTION similarity.forget_dropped() RETURNS event_trigger
	AS 'MODULE_PATHNAME', 'forget_dropped' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION similarity.forget_dropped() IS 'event trigger: drops the galleries of tables that are dropped';
CREATE EVENT TRIGGER similarity_forget_dropped ON sql_drop
	EXECUTE FUNCTION similarity.forget_dropped();
ALTER EVENT TRIGGER similarity_forget_dropped ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER similarity_forget_dropped IS 'drops the galleries of tables that are dropped';

-- Models and galleries are what a role owns.
CREATE FUNCTION similarity.drop_owned() RETURNS event_trigger
	AS 'MODULE_PATHNAME', 'drop_owned' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION similarity.drop_owned() IS
	'event trigger: DROP OWNED for models and galleries; without CASCADE it is refused while there are any';
CREATE EVENT TRIGGER similarity_drop_owned ON ddl_command_end WHEN TAG IN ('DROP OWNED')
	EXECUTE FUNCTION similarity.drop_owned();
ALTER EVENT TRIGGER similarity_drop_owned ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER similarity_drop_owned IS 'DROP OWNED for models and galleries';

CREATE FUNCTION similarity.reassign_owned(role text, new_owner text) RETURNS void
	AS 'MODULE_PATHNAME', 'reassign_owned' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION similarity.reassign_owned(text, text) IS
	'gives all models and galleries of a role to another one, as REASSIGN OWNED does with what PostgreSQL knows; for who has the rights of both';
