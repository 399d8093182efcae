-- Schema of everything about models and galleries.  The type, its operators
-- and embed() stand in the schema chosen at CREATE EXTENSION.
CREATE SCHEMA similarity;
COMMENT ON SCHEMA similarity IS 'models, galleries and introspection of the extension similarity';
GRANT USAGE ON SCHEMA similarity TO PUBLIC;
-- CREATE, which nobody has at first, is the right to create models and galleries.
