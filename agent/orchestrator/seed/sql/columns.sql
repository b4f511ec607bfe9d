-- Columns in order. A domain is followed to its base type, since that sets the limits; typmods of domains come along.
WITH RECURSIVE base AS (
  SELECT a.attrelid, a.attnum, a.atttypid AS typid, a.atttypmod AS typmod FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')
  UNION ALL
  SELECT b.attrelid, b.attnum, t.typbasetype, t.typtypmod FROM base b JOIN pg_type t ON t.oid = b.typid WHERE t.typtype = 'd'
)
SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), b.typid, t.typname, b.typmod, a.attnotnull,
       a.attgenerated <> '' AS generated, coalesce(pg_get_expr(d.adbin, d.adrelid), '') AS default_text
FROM base b JOIN pg_type t ON t.oid = b.typid AND t.typtype <> 'd'
JOIN pg_attribute a ON a.attrelid = b.attrelid AND a.attnum = b.attnum
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
ORDER BY a.attrelid, a.attnum
