SELECT p.proname, ns.nspname
FROM (SELECT pg_catalog.unnest($1::text[]) AS schema, pg_catalog.unnest($2::text[]) AS name) AS n
JOIN pg_catalog.pg_proc p ON p.proname = n.name
JOIN pg_catalog.pg_namespace ns ON ns.oid = p.pronamespace
WHERE ns.nspname NOT IN ('pg_catalog', 'information_schema')
  AND CASE WHEN n.schema = '' THEN pg_catalog.pg_function_is_visible(p.oid) ELSE ns.nspname = n.schema AND ns.nspname <> 'foreshadow' END
  AND (p.provolatile <> 'i' OR ns.nspname = 'foreshadow')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
    WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
      AND d.objid = p.oid AND d.deptype = 'e' AND e.extname NOT IN ('dblink', 'adminpack', 'lo', 'file_fdw', 'postgres_fdw'))
LIMIT 1
