SELECT n.name, c.oid::bigint::text, ns.nspname, c.relname, CASE WHEN c.relpersistence = 'u' AND c.relkind = 'r' THEN 'u' ELSE c.relkind::text END,
  ns.nspname IN ('pg_catalog', 'information_schema', 'pg_toast') OR ns.nspname LIKE 'pg\_temp\_%' AS system,
  pg_catalog.row_security_active(c.oid)::text,
  (c.relhassubclass AND c.relkind = 'r')::text,
  CASE WHEN c.relkind = 'v' AND ns.nspname NOT IN ('pg_catalog', 'information_schema', 'foreshadow') THEN pg_catalog.pg_get_viewdef(c.oid) END,
  (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(a.attname,
      (CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END)::bigint,
      CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END, t.typtype = 'e',
      a.attcollation <> 0 AND CASE WHEN a.attcollation = 100 THEN d.collated ELSE l.collcollate NOT IN ('C', 'POSIX', 'C.UTF-8', 'C.utf8') OR l.collprovider <> 'c' END, a.attgenerated <> '',
      a.attcollation <> 0 AND CASE WHEN a.attcollation = 100 THEN d.cased ELSE l.collprovider <> 'c' OR l.collctype !~* '^(C[.]|(?!tr|az).*)utf-?8' END)
    ORDER BY a.attnum)
   FROM pg_catalog.pg_attribute a
   JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
   LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)::text,
  (SELECT pg_catalog.json_agg(a.attname) FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey)
   WHERE k.conrelid = c.oid AND k.contype = 'p' AND NOT k.condeferrable)::text,
  d.collated::text, d.cased::text
FROM pg_catalog.unnest($1::text[]) AS n(name)
JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(n.name)
JOIN pg_catalog.pg_namespace ns ON ns.oid = c.relnamespace
CROSS JOIN (SELECT b.datcollate NOT IN ('C', 'POSIX', 'C.UTF-8', 'C.utf8') OR p.provider = 'i' OR p.missing AS collated, p.provider <> 'c' OR p.missing OR b.datctype !~* '^(C[.]|(?!tr|az).*)utf-?8' AS cased
  FROM pg_catalog.pg_database b CROSS JOIN LATERAL (SELECT coalesce(pg_catalog.to_jsonb(b) ->> 'datlocprovider', 'c') AS provider,
    coalesce(pg_catalog.current_setting('foreshadow.missing_collation', true), '') <> '' AS missing) p WHERE b.datname = pg_catalog.current_database()) d
