SELECT concat_ws(' ',
  (SELECT count(*)::text || ':' || coalesce(sum(hashtext(c.oid::text || ' ' || c.xmin::text)::int8), 0)::text FROM pg_class c
    WHERE c.oid >= 16384 AND c.relkind IN ('r', 'i', 'p') AND c.relpersistence = 'p'),
  (SELECT coalesce(sum(hashtext(a.attrelid::text || ' ' || a.attnum::text || ' ' || a.xmin::text)::int8), 0)::text FROM pg_attribute a WHERE a.attrelid >= 16384),
  (SELECT coalesce(sum(hashtext(i.indexrelid::text || ' ' || i.xmin::text)::int8), 0)::text FROM pg_index i WHERE i.indexrelid >= 16384),
  (SELECT coalesce(sum(hashtext(n.oid::text || ' ' || n.xmin::text)::int8), 0)::text FROM pg_namespace n WHERE n.oid >= 16384 AND n.nspname NOT LIKE 'pg\_%'),
  (SELECT coalesce(sum(hashtext(p.oid::text || ' ' || p.xmin::text)::int8), 0)::text FROM pg_publication p),
  (SELECT coalesce(sum(hashtext(r.oid::text || ' ' || r.xmin::text)::int8), 0)::text FROM pg_publication_rel r),
  (SELECT coalesce(sum(hashtext(d.objid::text || ' ' || d.xmin::text)::int8), 0)::text FROM pg_depend d WHERE d.classid = to_regclass('pg_catalog.pg_publication_namespace'))),
  pg_current_wal_insert_lsn()::text
