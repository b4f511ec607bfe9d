-- One number per catalog; a change of schema, privileges or roles changes at least one. Temporary tables, statistics and
-- the rewriting of a table's file (TRUNCATE, REFRESH MATERIALIZED VIEW, VACUUM FULL) change none; TOAST tables are left out for that reason.
WITH lasting AS (
  SELECT oid FROM pg_catalog.pg_class WHERE relpersistence <> 't' AND relkind IN ('r', 'v', 'm', 'p', 'f', 'c', 'S') AND oid >= 16384
), mine AS (
  SELECT oid FROM pg_catalog.pg_namespace WHERE nspname NOT LIKE 'pg\_temp\_%' AND nspname NOT LIKE 'pg\_toast%'
), prints(catalog, print) AS (
  SELECT 'class', sum(pg_catalog.hashtextextended(ROW(c.oid, relname, relnamespace, relkind, relowner, relacl::text, reloptions, relrowsecurity,
         relforcerowsecurity, relreplident, relispartition, relpartbound::text, relpersistence)::text, 0))
  FROM pg_catalog.pg_class c WHERE oid >= 16384 AND relpersistence <> 't' AND relnamespace <> 'pg_toast'::pg_catalog.regnamespace
  UNION ALL
  SELECT 'attribute', sum(pg_catalog.hashtextextended(ROW(attrelid, attnum, a.xmin::text)::text, 0))
  FROM pg_catalog.pg_attribute a JOIN lasting l ON l.oid = a.attrelid WHERE attnum > 0
  UNION ALL
  SELECT 'attrdef', sum(pg_catalog.hashtextextended(ROW(d.oid, d.xmin::text)::text, 0)) FROM pg_catalog.pg_attrdef d JOIN lasting l ON l.oid = d.adrelid
  UNION ALL
  SELECT 'constraint', sum(pg_catalog.hashtextextended(ROW(c.oid, c.xmin::text)::text, 0)) FROM pg_catalog.pg_constraint c JOIN mine ON mine.oid = c.connamespace
  UNION ALL
  SELECT 'index', sum(pg_catalog.hashtextextended(ROW(indexrelid, indisvalid, indisready, indisreplident, indisprimary, indisunique)::text, 0))
  FROM pg_catalog.pg_index i JOIN lasting l ON l.oid = i.indrelid
  UNION ALL
  SELECT 'inherits', sum(pg_catalog.hashtextextended(ROW(inhrelid, inhparent)::text, 0)) FROM pg_catalog.pg_inherits
  UNION ALL
  SELECT 'trigger', sum(pg_catalog.hashtextextended(ROW(t.oid, t.xmin::text)::text, 0)) FROM pg_catalog.pg_trigger t JOIN lasting l ON l.oid = t.tgrelid
  UNION ALL
  SELECT 'rewrite', sum(pg_catalog.hashtextextended(ROW(r.oid, r.xmin::text)::text, 0)) FROM pg_catalog.pg_rewrite r JOIN lasting l ON l.oid = r.ev_class
  UNION ALL
  SELECT 'policy', sum(pg_catalog.hashtextextended(ROW(oid, xmin::text)::text, 0)) FROM pg_catalog.pg_policy
  UNION ALL
  SELECT 'statistics', sum(pg_catalog.hashtextextended(ROW(oid, xmin::text)::text, 0)) FROM pg_catalog.pg_statistic_ext WHERE oid >= 16384
  UNION ALL
  SELECT 'operator', sum(pg_catalog.hashtextextended(ROW(oid, xmin::text)::text, 0)) FROM pg_catalog.pg_operator WHERE oid >= 16384
  UNION ALL
  SELECT 'opclass', sum(pg_catalog.hashtextextended(ROW(oid, xmin::text)::text, 0)) FROM pg_catalog.pg_opclass WHERE oid >= 16384
  UNION ALL
  SELECT 'opfamily', sum(pg_catalog.hashtextextended(ROW(oid, xmin::text)::text, 0)) FROM pg_catalog.pg_opfamily WHERE oid >= 16384
  UNION ALL
  SELECT 'cast', sum(pg_catalog.hashtextextended(ROW(oid, xmin::text)::text, 0)) FROM pg_catalog.pg_cast WHERE oid >= 16384
  UNION ALL
  SELECT 'collation', sum(pg_catalog.hashtextextended(ROW(oid, xmin::text)::text, 0)) FROM pg_catalog.pg_collation WHERE oid >= 16384
  UNION ALL
  SELECT 'language', sum(pg_catalog.hashtextextended(ROW(oid, xmin::text)::text, 0)) FROM pg_catalog.pg_language WHERE oid >= 16384
  UNION ALL
  SELECT 'ts_config', sum(pg_catalog.hashtextextended(ROW(oid, xmin::text)::text, 0)) FROM pg_catalog.pg_ts_config WHERE oid >= 16384
  UNION ALL
  SELECT 'ts_dict', sum(pg_catalog.hashtextextended(ROW(oid, xmin::text)::text, 0)) FROM pg_catalog.pg_ts_dict WHERE oid >= 16384
  UNION ALL
  SELECT 'fdw', sum(pg_catalog.hashtextextended(ROW(oid, xmin::text)::text, 0)) FROM pg_catalog.pg_foreign_data_wrapper WHERE oid >= 16384
  UNION ALL
  SELECT 'server', sum(pg_catalog.hashtextextended(ROW(oid, xmin::text)::text, 0)) FROM pg_catalog.pg_foreign_server WHERE oid >= 16384
  UNION ALL
  SELECT 'ts_config_map', sum(pg_catalog.hashtextextended(ROW(mapcfg, maptokentype, mapseqno, mapdict)::text, 0)) FROM pg_catalog.pg_ts_config_map WHERE mapcfg >= 16384
  UNION ALL
  SELECT 'namespace', sum(pg_catalog.hashtextextended(ROW(n.oid, n.xmin::text)::text, 0)) FROM pg_catalog.pg_namespace n JOIN mine ON mine.oid = n.oid
  UNION ALL
  SELECT 'proc', sum(pg_catalog.hashtextextended(ROW(oid, xmin::text)::text, 0)) FROM pg_catalog.pg_proc WHERE oid >= 16384
  UNION ALL
  SELECT 'type', sum(pg_catalog.hashtextextended(ROW(t.oid, t.xmin::text)::text, 0))
  FROM pg_catalog.pg_type t JOIN mine ON mine.oid = t.typnamespace WHERE t.oid >= 16384
  UNION ALL
  SELECT 'enum', sum(pg_catalog.hashtextextended(ROW(oid, xmin::text)::text, 0)) FROM pg_catalog.pg_enum
  UNION ALL
  SELECT 'sequence', sum(pg_catalog.hashtextextended(ROW(seqrelid, s.xmin::text)::text, 0)) FROM pg_catalog.pg_sequence s JOIN lasting l ON l.oid = s.seqrelid
  UNION ALL
  SELECT 'description', sum(pg_catalog.hashtextextended(ROW(objoid, classoid, objsubid, xmin::text)::text, 0)) FROM pg_catalog.pg_description WHERE objoid >= 16384
  UNION ALL
  SELECT 'extension', sum(pg_catalog.hashtextextended(ROW(oid, xmin::text)::text, 0)) FROM pg_catalog.pg_extension
  UNION ALL
  SELECT 'default_acl', sum(pg_catalog.hashtextextended(ROW(oid, xmin::text)::text, 0)) FROM pg_catalog.pg_default_acl
  UNION ALL
  SELECT 'roles', sum(pg_catalog.hashtextextended(ROW(oid, rolname, rolsuper, rolinherit, rolbypassrls)::text, 0)) FROM pg_catalog.pg_roles
  UNION ALL
  SELECT 'members', sum(pg_catalog.hashtextextended(ROW(roleid, member, admin_option)::text, 0)) FROM pg_catalog.pg_auth_members
  UNION ALL
  SELECT 'database', sum(pg_catalog.hashtextextended(ROW(oid, datname, datdba, datacl::text)::text, 0)) FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()
)
SELECT pg_catalog.md5(pg_catalog.string_agg(catalog || '=' || coalesce(print, 0), ',' ORDER BY catalog)) FROM prints
