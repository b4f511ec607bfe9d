-- Integer keys that grow: columns fed by a sequence, and single-column primary keys of an integer type.
-- The last value stays NULL where the sequence may not be read; the largest key is then looked up in the index.
WITH fed AS (
  SELECT d.refobjid AS tab, d.refobjsubid AS att, d.objid AS seq
    FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
   WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
     AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
  UNION
  SELECT a.adrelid, a.adnum, d.refobjid
    FROM pg_attrdef a
    JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = a.oid AND d.refclassid = 'pg_class'::regclass
    JOIN pg_class s ON s.oid = d.refobjid AND s.relkind = 'S'),
pk AS (
  SELECT indrelid AS tab, indkey[0] AS att FROM pg_index WHERE indisprimary AND indnkeyatts = 1 AND indisvalid),
one AS (
  SELECT DISTINCT ON (tab, att) tab, att, max(seq) OVER (PARTITION BY tab, att) AS seq, bool_or(is_pk) OVER (PARTITION BY tab, att) AS is_pk
    FROM (SELECT tab, att, seq, false AS is_pk FROM fed UNION ALL SELECT tab, att, NULL, true FROM pk) u)
SELECT n.nspname, c.relname, coalesce(a.attname, ''),
       CASE WHEN q.seqrelid IS NOT NULL AND has_sequence_privilege(q.seqrelid, 'USAGE, SELECT')
            THEN pg_sequence_last_value(q.seqrelid)::float8 END,
       least(CASE a.atttypid WHEN 21 THEN 32767 WHEN 23 THEN 2147483647 ELSE 9223372036854775807 END::float8,
             CASE WHEN q.seqcycle THEN NULL ELSE q.seqmax END::float8),
       q.seqstart::float8, coalesce(k.is_pk, false)
  FROM one k
  JOIN pg_class c ON c.oid = k.tab AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND NOT c.relispartition
  JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_%'
  JOIN pg_attribute a ON a.attrelid = k.tab AND a.attnum = k.att AND a.atttypid IN (20, 21, 23) AND NOT a.attisdropped
  LEFT JOIN pg_sequence q ON q.seqrelid = k.seq
 WHERE coalesce(q.seqincrement, 1) > 0
UNION ALL
SELECT n.nspname, c.relname, '',
       CASE WHEN has_sequence_privilege(q.seqrelid, 'USAGE, SELECT') THEN pg_sequence_last_value(q.seqrelid)::float8 END,
       q.seqmax::float8, q.seqstart::float8, false
  FROM pg_sequence q
  JOIN pg_class c ON c.oid = q.seqrelid AND c.relpersistence = 'p'
  JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_%'
 WHERE q.seqincrement > 0 AND NOT q.seqcycle AND NOT EXISTS (SELECT FROM fed WHERE fed.seq = q.seqrelid)
 ORDER BY 1, 2, 3
 LIMIT $1
