SELECT
  (SELECT rolsuper OR EXISTS (SELECT FROM pg_catalog.pg_roles p WHERE p.rolname = 'pg_read_all_data' AND pg_catalog.pg_has_role(p.oid, 'USAGE'))
   FROM pg_catalog.pg_roles WHERE rolname = current_user)::text,
  (SELECT rolsuper OR EXISTS (SELECT FROM pg_catalog.pg_roles p WHERE p.rolname IN ('pg_read_all_stats', 'pg_read_all_data') AND pg_catalog.pg_has_role(p.oid, 'USAGE'))
   FROM pg_catalog.pg_roles WHERE rolname = current_user)::text,
  (SELECT pg_catalog.string_agg(c.oid::bigint::text, ',')
   FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace ns ON ns.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p') AND ns.nspname NOT IN ('pg_catalog', 'information_schema', 'foreshadow')
     AND pg_catalog.has_schema_privilege(ns.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
     AND NOT pg_catalog.row_security_active(c.oid))
