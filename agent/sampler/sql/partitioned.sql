SELECT cn.nspname || '.' || c.relname, pn.nspname || '.' || p.relname
  FROM pg_class c
  JOIN pg_namespace cn ON cn.oid = c.relnamespace
 CROSS JOIN LATERAL pg_partition_ancestors(c.oid) a
  JOIN pg_class p ON p.oid = a.relid AND p.relkind = 'p'
  JOIN pg_namespace pn ON pn.oid = p.relnamespace
 WHERE c.relkind = 'r' AND c.relispartition
 ORDER BY 1, 2
