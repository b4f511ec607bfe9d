-- Sequences that fill a column: owned by it, or named in its default.
SELECT DISTINCT s.oid::regclass::text, quote_ident(n.nspname) || '.' || quote_ident(c.relname), quote_ident(a.attname), q.seqmin, q.seqmax, q.seqincrement
FROM pg_class s JOIN pg_sequence q ON q.seqrelid = s.oid
JOIN (
  SELECT d.objid AS seq, d.refobjid AS rel, d.refobjsubid AS col FROM pg_depend d
  WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
  UNION
  SELECT d.refobjid, ad.adrelid, ad.adnum FROM pg_depend d JOIN pg_attrdef ad ON d.classid = 'pg_attrdef'::regclass AND d.objid = ad.oid
  WHERE d.refclassid = 'pg_class'::regclass
) u ON u.seq = s.oid
JOIN pg_class c ON c.oid = u.rel JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = u.rel AND a.attnum = u.col
JOIN pg_type t ON t.oid = a.atttypid
WHERE s.relkind = 'S' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT LIKE 'pg\_%'
ORDER BY 1
