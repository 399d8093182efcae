-- The extension installs into the schema chosen and keeps its own.
SELECT extversion, extnamespace::regnamespace FROM pg_extension WHERE extname = 'similarity';

-- Every object has a comment (implicit members of others apart).
CREATE VIEW member AS
SELECT classid, objid, pg_describe_object(classid, objid, objsubid) AS object
FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
	AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'similarity');
SELECT object FROM member m
WHERE classid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_class'::regclass, 'pg_cast'::regclass,
		'pg_opclass'::regclass, 'pg_opfamily'::regclass, 'pg_am'::regclass, 'pg_namespace'::regclass)
	AND NOT EXISTS (SELECT FROM pg_description d
		WHERE d.classoid = m.classid AND d.objoid = m.objid AND d.objsubid = 0)
	AND NOT EXISTS (SELECT FROM pg_class c
		WHERE c.oid = m.objid AND m.classid = 'pg_class'::regclass AND c.relkind IN ('i', 'S'))
ORDER BY 1;

-- No function runs with its owner's rights, and SQL functions fix their path.
SELECT object FROM member m JOIN pg_proc p ON p.oid = objid AND classid = 'pg_proc'::regclass
WHERE prosecdef ORDER BY 1;
SELECT object FROM member m JOIN pg_proc p ON p.oid = objid AND classid = 'pg_proc'::regclass
WHERE prolang NOT IN (SELECT oid FROM pg_language WHERE lanname IN ('c', 'internal'))
	AND prosqlbody IS NULL AND NOT coalesce(proconfig::text LIKE '%search_path=%', false)
ORDER BY 1;

-- Catalog tables belong to the extension and are closed to PUBLIC, but for the
-- ready-made architectures, which everybody may read and nobody may change.
SELECT object FROM member m JOIN pg_class c ON c.oid = objid AND classid = 'pg_class'::regclass
WHERE relkind IN ('r', 'S') AND has_table_privilege('public', c.oid, CASE relname WHEN 'architecture' THEN 'INSERT, UPDATE, DELETE, TRUNCATE' ELSE 'SELECT' END)
ORDER BY 1;
DROP VIEW member;
