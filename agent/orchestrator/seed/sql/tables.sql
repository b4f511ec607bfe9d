-- Every ordinary or partitioned table, with the root that it belongs to (itself when it is no partition).
SELECT c.oid, n.nspname, c.relname, c.relkind::text, coalesce(pg_partition_root(c.oid)::oid, c.oid) AS root,
       CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END AS bound,
       CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS partition_key
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'foreshadow', 'foreshadow_seed')
  AND n.nspname NOT LIKE 'pg\_%'
ORDER BY n.nspname, c.relname
