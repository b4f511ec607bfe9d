SELECT n.nspname || '.' || c.relname, a.attname, pg_get_expr(k.conbin, k.conrelid)
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid AND c.relpersistence = 'p'
  JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_%'
  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
 WHERE k.contype = 'c' AND cardinality(k.conkey) = 1
 ORDER BY 1, 2, k.oid
 LIMIT $1
