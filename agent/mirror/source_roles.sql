SELECT oid::text, rolname, rolsuper, rolinherit, rolbypassrls
FROM pg_catalog.pg_roles WHERE rolname NOT LIKE 'pg\_%' ORDER BY oid
