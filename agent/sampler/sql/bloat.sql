-- What says how large a table should be: its rows and pages as VACUUM or ANALYZE last counted them, and the length, alignment, share of NULLs and mean stored
-- width of its columns, in their order. Only catalogs are read, by index. pg_stats shows what the role may read: a table with a column unknown to it is left out.
WITH t AS (
  SELECT c.oid, n.nspname, c.relname, c.relpages::float8 AS pages, c.reltuples::float8 AS tuples, c.relnatts::int AS natts, c.reloptions
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_%'
   WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND c.reltuples >= 0 AND c.relpages * current_setting('block_size')::float8 >= $2
   ORDER BY c.relpages DESC, c.oid
   LIMIT $1)
SELECT t.nspname || '.' || t.relname, current_setting('block_size')::float8, t.pages, t.tuples, t.natts,
       coalesce((SELECT o.option_value FROM pg_options_to_table(t.reloptions) o WHERE o.option_name = 'fillfactor')::float8, 100),
       k.lengths, k.alignments, k.nulls, k.widths
  FROM t
 CROSS JOIN LATERAL (
  SELECT array_agg(a.attlen::int ORDER BY a.attnum) AS lengths,
         array_agg(CASE a.attalign WHEN 'd' THEN 8 WHEN 'i' THEN 4 WHEN 's' THEN 2 ELSE 1 END ORDER BY a.attnum) AS alignments,
         array_agg(s.null_frac::float8 ORDER BY a.attnum) AS nulls, array_agg(s.avg_width::float8 ORDER BY a.attnum) AS widths
    FROM pg_attribute a
    LEFT JOIN pg_stats s ON s.schemaname = t.nspname AND s.tablename = t.relname AND s.attname = a.attname AND NOT s.inherited
   WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> 'v'
  HAVING count(*) = count(s.attname) AND count(*) > 0) k
