SELECT CASE WHEN coalesce(d.oid, t.oid) = n.typ AND coalesce(d.mod, a.atttypmod) = n.mod THEN pg_catalog.format_type(a.atttypid, a.atttypmod) ELSE pg_catalog.format_type(n.typ, n.mod) END,
  CASE WHEN a.attcollation <> t.typcollation THEN pg_catalog.quote_ident(s.nspname) || '.' || pg_catalog.quote_ident(l.collname) END,
  CASE WHEN a.attgenerated <> '' THEN (SELECT pg_catalog.pg_get_expr(e.adbin, e.adrelid) FROM pg_catalog.pg_attrdef e WHERE e.adrelid = a.attrelid AND e.adnum = a.attnum) END,
  CASE WHEN a.attcollation = 100 THEN nullif(pg_catalog.current_setting('foreshadow.missing_collation', true), '') END
FROM ROWS FROM (pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::oid[]), pg_catalog.unnest($4::int4[])) WITH ORDINALITY AS n(name, typ, mod, place)
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = $1::oid AND a.attname = n.name AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN LATERAL (SELECT t.typbasetype AS oid, t.typtypmod AS mod WHERE t.typtype = 'd') d ON true
LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
LEFT JOIN pg_catalog.pg_namespace s ON s.oid = l.collnamespace
ORDER BY n.place
