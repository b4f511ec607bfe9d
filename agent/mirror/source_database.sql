SELECT d.oid::text, r.rolname, datcollate, datctype,
  coalesce(j ->> 'datlocprovider', 'c'), coalesce(j ->> 'datlocale', j ->> 'daticulocale', ''), coalesce(j ->> 'daticurules', ''), datacl IS NOT NULL,
  ARRAY(SELECT coalesce(g.rolname, '') || ':' || a.privilege_type FROM pg_catalog.aclexplode(datacl) a LEFT JOIN pg_catalog.pg_roles g ON g.oid = a.grantee),
  ARRAY(SELECT setting FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) setting
        WHERE s.setdatabase = d.oid AND s.setrole = 0 AND pg_catalog.split_part(setting, '=', 1) = ANY ('{search_path,TimeZone,DateStyle,IntervalStyle}')),
  ARRAY(SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't' AND c.oid >= 16384
          AND NOT pg_catalog.has_table_privilege(c.oid, 'SELECT'))
FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles r ON r.oid = d.datdba CROSS JOIN LATERAL pg_catalog.to_jsonb(d) j
WHERE d.datname = pg_catalog.current_database()
