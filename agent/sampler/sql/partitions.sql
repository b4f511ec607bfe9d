-- Where the ranges of tables partitioned by one column end. A date or timestamp ends in seconds since 1970. No row for a table whose last range has no end.
SELECT n.nspname || '.' || c.relname, a.attname, a.atttypid NOT IN (20, 21, 23),
       max(CASE WHEN a.atttypid IN (20, 21, 23) THEN substring(b.text FROM 'TO \(''?(-?\d+)''?\)$')::float8
                ELSE extract(epoch FROM substring(b.text FROM 'TO \(''([^'']*)''\)$')::timestamptz)::float8 END),
       bool_or(b.text = 'DEFAULT')
  FROM pg_partitioned_table pt
  JOIN pg_class c ON c.oid = pt.partrelid AND NOT c.relispartition
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = pt.partattrs[0] AND a.atttypid IN (20, 21, 23, 1082, 1114, 1184)
  JOIN pg_inherits i ON i.inhparent = c.oid
  JOIN pg_class p ON p.oid = i.inhrelid
 CROSS JOIN LATERAL (SELECT pg_get_expr(p.relpartbound, p.oid) AS text) b
 WHERE pt.partstrat = 'r' AND pt.partnatts = 1
 GROUP BY 1, 2, 3
HAVING NOT bool_or(b.text LIKE '%TO (MAXVALUE)') AND max(CASE WHEN b.text <> 'DEFAULT' THEN 1 END) = 1
 ORDER BY 1
 LIMIT $1
