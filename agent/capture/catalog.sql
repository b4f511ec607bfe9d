WITH RECURSIVE base (oid, base, typmod) AS (
  SELECT oid, oid, -1 FROM pg_type WHERE typtype <> 'd'
  UNION ALL
  SELECT d.oid, base.base, CASE WHEN d.typtypmod >= 0 THEN d.typtypmod ELSE base.typmod END
  FROM pg_type d JOIN base ON d.typbasetype = base.oid WHERE d.typtype = 'd'
)
SELECT c.oid::int8, c.relfilenode::int8, c.relnatts::int8, n.nspname::text, c.relname::text, c.relreplident::text, coalesce(a.attnum, 0)::int8, coalesce(a.xmin::text, '0')::int8, coalesce(a.attname::text, ''),
  coalesce(a.atttypid, 0)::int8, coalesce(base.base, a.atttypid, 0)::int8,
  coalesce(CASE WHEN base.base <> a.atttypid THEN base.typmod ELSE a.atttypmod END, -1)::int8,
  coalesce(format_type(a.atttypid, a.atttypmod), ''),
  EXISTS (
    SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indimmediate AND i.indisvalid
    AND a.attnum = ANY ((string_to_array(i.indkey::text, ' ')::int2[])[1:i.indnkeyatts])
    AND (c.relreplident IN ('d', 'f') AND i.indisprimary OR c.relreplident = 'i' AND i.indisreplident)),
  CASE WHEN a.atthasmissing THEN (a.attmissingval::text::text[])[1] END,
  coalesce(NOT a.atthasmissing AND (a.atthasdef OR a.attidentity <> '' OR y.typdefault IS NOT NULL), false),
  greatest(c.reltuples, 0)::int8, coalesce(has_table_privilege(c.oid, 'SELECT'), false),
  CASE WHEN c.relispartition THEN (SELECT array_agg(p.relid::oid::int8) FROM pg_partition_ancestors(c.oid) p WHERE p.relid <> c.oid) END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
LEFT JOIN base ON base.oid = a.atttypid
LEFT JOIN pg_type y ON y.oid = a.atttypid
WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND ($1::oid = 0 OR c.oid = $1)
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'foreshadow') AND n.nspname NOT LIKE 'pg\_temp\_%' AND n.nspname NOT LIKE 'pg\_toast%'
ORDER BY c.oid, a.attnum
