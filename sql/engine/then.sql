SELECT pg_catalog.format_type(t.oid, n.mod), (t.typtype = 'e')::text,
  (t.typcollation <> 0 AND CASE WHEN a.attrelid IS NULL THEN true
    WHEN a.attcollation = 100 THEN d.datcollate NOT IN ('C', 'POSIX', 'C.UTF-8', 'C.utf8') OR d.provider = 'i' OR d.missing
    ELSE l.collcollate NOT IN ('C', 'POSIX', 'C.UTF-8', 'C.utf8') OR l.collprovider <> 'c' END)::text,
  (t.typcollation <> 0 AND CASE WHEN a.attrelid IS NULL THEN true
    WHEN a.attcollation = 100 THEN d.provider <> 'c' OR d.missing OR d.datctype !~* '^(C[.]|(?!tr|az).*)utf-?8'
    ELSE l.collprovider <> 'c' OR l.collctype !~* '^(C[.]|(?!tr|az).*)utf-?8' END)::text
FROM ROWS FROM (pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::int2[]), pg_catalog.unnest($4::oid[]), pg_catalog.unnest($5::int4[])) WITH ORDINALITY AS n(name, num, typ, mod, place)
LEFT JOIN pg_catalog.pg_type t ON t.oid = n.typ
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
  AND (a.attnum = n.num OR n.num = 0 AND a.attname = n.name)
LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
CROSS JOIN (SELECT b.datcollate, b.datctype, coalesce(pg_catalog.to_jsonb(b) ->> 'datlocprovider', 'c') AS provider,
    coalesce(pg_catalog.current_setting('foreshadow.missing_collation', true), '') <> '' AS missing FROM pg_catalog.pg_database b WHERE b.datname = pg_catalog.current_database()) d
ORDER BY n.place
