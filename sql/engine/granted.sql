SELECT coalesce(
  (SELECT pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE') AND NOT pg_catalog.row_security_active(c.oid)
     AND (pg_catalog.has_table_privilege(c.oid, 'SELECT')
       OR CASE WHEN pg_catalog.cardinality($2::int2[]) = 0 THEN pg_catalog.has_any_column_privilege(c.oid, 'SELECT')
          ELSE (SELECT pg_catalog.bool_and(coalesce(pg_catalog.has_column_privilege(c.oid, a.num, 'SELECT'), false)) FROM pg_catalog.unnest($2::int2[]) AS a(num)) END)
   FROM pg_catalog.pg_class c WHERE c.oid = $1::oid),
  (SELECT r.rolsuper OR r.rolbypassrls
     AND EXISTS (SELECT FROM pg_catalog.pg_roles p WHERE p.rolname = 'pg_read_all_data' AND pg_catalog.pg_has_role(p.oid, 'USAGE'))
   FROM pg_catalog.pg_roles r WHERE r.rolname = current_user))::text,
  (SELECT c.relhassubclass AND c.relkind = 'r' FROM pg_catalog.pg_class c WHERE c.oid = $1::oid)::text
