-- The functions of sizes, by the sizes that pg_class tells. Under its own number PostgreSQL runs its own code for a function whatever pg_proc says, so they get others.
SET allow_system_table_mods = on;
DO $$
DECLARE
  f pg_catalog.record;
  pages text := 'CASE WHEN relkind IN (''p'', ''I'') THEN 0 WHEN relkind = ''i'' AND relpages = 0 THEN 1 ELSE relpages::bigint & 4294967295 END'
    ' * pg_catalog.current_setting(''block_size'')::bigint'; -- an empty index has a page
  toast text := 'SELECT reltoastrelid FROM pg_catalog.pg_class WHERE oid = $1';
  body text;
BEGIN
  FOR f IN SELECT * FROM (VALUES
    ('pg_relation_size(regclass)', 'SELECT pg_catalog.pg_relation_size($1, ''main'')'),
    ('pg_relation_size(regclass, text)', 'SELECT CASE $2 WHEN ''main'' THEN PAGES WHEN ''fsm'' THEN 0 WHEN ''vm'' THEN 0 WHEN ''init'' THEN 0 END FROM pg_catalog.pg_class WHERE oid = $1'),
    ('pg_table_size(regclass)', 'SELECT pg_catalog.sum(PAGES)::bigint FROM pg_catalog.pg_class WHERE oid = $1 OR oid = (TOAST)
       OR oid IN (SELECT indexrelid FROM pg_catalog.pg_index WHERE indrelid = (TOAST))'),
    ('pg_indexes_size(regclass)', 'SELECT coalesce(pg_catalog.sum(PAGES), 0)::bigint FROM pg_catalog.pg_class
       WHERE oid IN (SELECT indexrelid FROM pg_catalog.pg_index WHERE indrelid = $1)'),
    ('pg_total_relation_size(regclass)', 'SELECT pg_catalog.pg_table_size($1) + pg_catalog.pg_indexes_size($1)'),
    ('pg_database_size(oid)', 'SELECT pg_catalog.sum(PAGES)::bigint FROM pg_catalog.pg_class WHERE $1 = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())'),
    ('pg_database_size(name)', 'SELECT pg_catalog.pg_database_size(oid) FROM pg_catalog.pg_database WHERE datname = $1')) AS f(signature, body)
  LOOP
    body := pg_catalog.replace(pg_catalog.replace(f.body, 'PAGES', pages), 'TOAST', toast);
    UPDATE pg_catalog.pg_description SET objoid = (1990000000 + objoid::bigint)::oid
     WHERE classoid = 'pg_catalog.pg_proc'::regclass AND objoid = ('pg_catalog.' || f.signature)::regprocedure;
    UPDATE pg_catalog.pg_proc SET oid = (1990000000 + oid::bigint)::oid, prosrc = body, prosqlbody = NULL,
      prolang = (SELECT oid FROM pg_catalog.pg_language WHERE lanname = 'sql') WHERE oid = ('pg_catalog.' || f.signature)::regprocedure;
  END LOOP;
END $$;
RESET allow_system_table_mods;
