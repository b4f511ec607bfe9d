-- What the catalog says of the relations, types and functions that a script names ($1, $2, $3), and of the relations that hang together with
-- them: the tables of indexes, parents and partitions, both ends of foreign keys, the views that read them, and the tables that use a domain.
WITH RECURSIVE named AS (
  SELECT k AS name, pg_catalog.to_regclass(k)::oid AS oid FROM pg_catalog.unnest($1::text[]) k),
types AS (
  SELECT k AS name, pg_catalog.to_regtype(k)::oid AS oid FROM pg_catalog.unnest($2::text[]) k),
begun AS (
  SELECT coalesce(i.indrelid, n.oid) AS oid FROM named n LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = n.oid WHERE n.oid IS NOT NULL
  UNION
  SELECT a.attrelid FROM types t JOIN pg_catalog.pg_type d ON d.oid = t.oid AND d.typtype = 'd'
    JOIN pg_catalog.pg_attribute a ON a.atttypid = d.oid AND NOT a.attisdropped),
family(oid) AS (
  SELECT oid FROM begun
  UNION
  SELECT CASE WHEN h.inhrelid = f.oid THEN h.inhparent ELSE h.inhrelid END
    FROM family f JOIN pg_catalog.pg_inherits h ON f.oid IN (h.inhrelid, h.inhparent)),
linked(oid) AS (
  SELECT oid FROM family
  UNION
  SELECT CASE WHEN c.conrelid = f.oid THEN c.confrelid ELSE c.conrelid END
    FROM family f JOIN pg_catalog.pg_constraint c ON c.contype = 'f' AND f.oid IN (c.conrelid, c.confrelid)),
everyone(oid) AS (
  SELECT oid FROM linked
  UNION
  SELECT x.oid FROM everyone e CROSS JOIN LATERAL (
    SELECT h.inhrelid AS oid FROM pg_catalog.pg_inherits h WHERE h.inhparent = e.oid
    UNION ALL
    SELECT r.ev_class FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
     WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = e.oid) x),
rels AS (
  SELECT c.* FROM pg_catalog.pg_class c WHERE c.oid IN (SELECT oid FROM everyone) AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')),
columns AS (
  SELECT a.attrelid, pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('number', a.attnum, 'name', a.attname, 'type', a.atttypid::int8, 'mod', a.atttypmod,
           'not_null', a.attnotnull, 'generated', a.attgenerated <> '', 'feeds', coalesce(g.list, before15.list, ''), 'collation', a.attcollation::int8) ORDER BY a.attnum) AS list
    FROM pg_catalog.pg_attribute a
    LEFT JOIN LATERAL (SELECT pg_catalog.string_agg(DISTINCT o.attname, ', ') AS list FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attrdef f ON f.oid = d.objid
      JOIN pg_catalog.pg_attribute o ON o.attrelid = f.adrelid AND o.attnum = f.adnum AND o.attgenerated <> ''
      WHERE d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
        AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND f.adnum <> a.attnum) g ON true
    LEFT JOIN LATERAL (SELECT pg_catalog.string_agg(DISTINCT o.attname, ', ') AS list FROM pg_catalog.pg_depend d
      JOIN pg_catalog.pg_attribute o ON o.attrelid = d.objid AND o.attnum = d.objsubid AND o.attgenerated <> ''
      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = a.attrelid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
        AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum) before15 ON true
   WHERE a.attrelid IN (SELECT oid FROM rels) AND a.attnum > 0 AND NOT a.attisdropped GROUP BY 1),
indexes AS (
  SELECT i.indrelid, pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('oid', i.indexrelid::int8, 'name', n.nspname || '.' || c.relname, 'columns', i.indkey::int2[],
           'unique', i.indisunique, 'uses', (SELECT coalesce(pg_catalog.jsonb_agg(DISTINCT d.refobjsubid), '[]') FROM pg_catalog.pg_depend d
             WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.indexrelid AND d.refobjid = i.indrelid AND d.refobjsubid > 0)
             || pg_catalog.to_jsonb(i.indkey::int2[]), 'primary', i.indisprimary, 'valid', i.indisvalid, 'whole', i.indpred IS NULL,
           'expressions', i.indexprs IS NOT NULL OR i.indpred IS NOT NULL, 'parent', coalesce(h.inhparent, 0)::int8) ORDER BY c.relname) AS list
    FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_inherits h ON h.inhrelid = i.indexrelid
   WHERE i.indrelid IN (SELECT oid FROM rels) GROUP BY 1),
constraints AS (
  SELECT k.conrelid, pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', k.conname, 'type', k.contype, 'columns', coalesce(k.conkey, '{}'), 'valid', k.convalidated,
           'references', k.confrelid::int8, 'referenced', coalesce(k.confkey, '{}'), 'index', k.conindid::int8, 'parent', k.conparentid::int8,
           'check', CASE WHEN k.contype = 'c' THEN pg_catalog.pg_get_expr(k.conbin, k.conrelid) END) ORDER BY k.conname) AS list
    FROM pg_catalog.pg_constraint k WHERE k.conrelid IN (SELECT oid FROM rels) AND k.conrelid <> 0 GROUP BY 1),
viewed AS (
  SELECT d.refobjid, pg_catalog.jsonb_agg(DISTINCT pg_catalog.jsonb_build_object('view', n.nspname || '.' || v.relname, 'column', d.refobjsubid)) AS list
    FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid JOIN pg_catalog.pg_class v ON v.oid = r.ev_class
    JOIN pg_catalog.pg_namespace n ON n.oid = v.relnamespace
   WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
     AND d.refobjid IN (SELECT oid FROM rels) AND v.oid <> d.refobjid GROUP BY 1),
sequences AS (
  SELECT d.refobjid, pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('oid', s.oid::int8, 'name', n.nspname || '.' || s.relname, 'column', d.refobjsubid,
           'identity', d.deptype = 'i')) AS list
    FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace
   WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
     AND d.deptype IN ('a', 'i') AND d.refobjid IN (SELECT oid FROM rels) GROUP BY 1),
described AS (
  SELECT pg_catalog.jsonb_build_object('oid', c.oid::int8, 'name', n.nspname || '.' || c.relname, 'kind', c.relkind, 'persistence', c.relpersistence,
      'readable', pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND CASE c.relkind WHEN 'S' THEN pg_catalog.has_sequence_privilege(c.oid, 'SELECT')
        ELSE pg_catalog.has_table_privilege(c.oid, 'SELECT') END,
      'partition', c.relispartition, 'access_method', coalesce(am.amname, ''), 'tablespace', coalesce(ts.spcname, ''), 'columns', coalesce(k.list, '[]'),
      'indexes', coalesce(i.list, '[]'), 'constraints', coalesce(x.list, '[]'), 'views', coalesce(v.list, '[]'), 'sequences', coalesce(s.list, '[]'),
      'strategy', coalesce(p.partstrat::text, ''), 'key', coalesce(p.partattrs::int2[], '{}'), 'default', coalesce(p.partdefid, 0)::int8,
      'parents', (SELECT coalesce(pg_catalog.jsonb_agg(h.inhparent::int8), '[]') FROM pg_catalog.pg_inherits h WHERE h.inhrelid = c.oid),
      'children', (SELECT coalesce(pg_catalog.jsonb_agg(h.inhrelid::int8), '[]') FROM pg_catalog.pg_inherits h WHERE h.inhparent = c.oid)) AS relation
    FROM rels c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam LEFT JOIN pg_catalog.pg_tablespace ts ON ts.oid = c.reltablespace
    LEFT JOIN columns k ON k.attrelid = c.oid LEFT JOIN indexes i ON i.indrelid = c.oid LEFT JOIN constraints x ON x.conrelid = c.oid
    LEFT JOIN viewed v ON v.refobjid = c.oid LEFT JOIN sequences s ON s.refobjid = c.oid LEFT JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = c.oid)
SELECT pg_catalog.jsonb_build_object(
  'version', pg_catalog.current_setting('server_version_num')::int / 10000,
  'time_zone', pg_catalog.current_setting('TimeZone'),
  'access_method', pg_catalog.current_setting('default_table_access_method'),
  'names', (SELECT coalesce(pg_catalog.jsonb_object_agg(n.name, n.oid::int8), '{}') FROM named n WHERE n.oid IS NOT NULL),
  'relations', (SELECT coalesce(pg_catalog.jsonb_agg(d.relation), '[]') FROM described d),
  'type_names', (SELECT coalesce(pg_catalog.jsonb_object_agg(t.name, t.oid::int8), '{}') FROM types t WHERE t.oid IS NOT NULL),
  'types', (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('oid', t.oid::int8, 'name', t.typname, 'kind', t.typtype, 'base', t.typbasetype::int8, 'mod', t.typtypmod,
      'collation', t.typcollation::int8,
      'constrained', t.typtype = 'd' AND (t.typnotnull OR EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid)))), '[]')
    FROM pg_catalog.pg_type t
   WHERE t.oid IN (SELECT oid FROM types UNION SELECT a.atttypid FROM pg_catalog.pg_attribute a WHERE a.attrelid IN (SELECT oid FROM rels))
      OR t.oid IN (SELECT b.typbasetype FROM pg_catalog.pg_type b WHERE b.oid IN (SELECT oid FROM types))),
  'casts', (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(k.castsource::int8, k.casttarget::int8)) FROM pg_catalog.pg_cast k WHERE k.castmethod = 'b'),
  'volatile', (SELECT coalesce(pg_catalog.jsonb_agg(DISTINCT p.proname), '[]') FROM pg_catalog.pg_proc p
    WHERE p.proname = ANY ($3::text[]) AND p.provolatile = 'v')
)::text
