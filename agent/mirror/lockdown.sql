-- Foreign tables keep their definition but reach nothing.
DO $$
DECLARE w name;
BEGIN
  FOR w IN SELECT fdwname FROM pg_catalog.pg_foreign_data_wrapper LOOP
    EXECUTE pg_catalog.format('ALTER FOREIGN DATA WRAPPER %I NO HANDLER', w);
  END LOOP;
END $$;
-- Code in untrusted languages runs with the rights of this host's server, so it does not run at all.
DO $$
DECLARE f pg_catalog.oid;
BEGIN
  FOR f IN SELECT p.oid FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang
           WHERE NOT l.lanpltrusted AND l.lanname NOT IN ('internal', 'c', 'sql') LOOP
    UPDATE pg_catalog.pg_proc SET prolang = (SELECT oid FROM pg_catalog.pg_language WHERE lanname = 'plpgsql'),
      prosrc = 'BEGIN RAISE insufficient_privilege USING MESSAGE = ''functions in untrusted languages do not run here''; END' WHERE oid = f;
  END LOOP;
END $$;
-- Clients see their own cursors and prepared statements: not the agent's, and with the text that was written for what has a stand-in here.
SET allow_system_table_mods = on;
DO $$
DECLARE v pg_catalog.record;
BEGIN
  FOR v IN SELECT * FROM (VALUES ('pg_cursors', 'pg_cursor'), ('pg_prepared_statements', 'pg_prepared_statement')) AS v(view, source) LOOP
    EXECUTE pg_catalog.format('CREATE OR REPLACE VIEW pg_catalog.%I AS SELECT %s FROM pg_catalog.%I() AS shown WHERE name !~ ''^foreshadow_[a-z]+[0-9]+$''', v.view,
      (SELECT pg_catalog.string_agg(CASE a.attname WHEN 'statement' THEN 'pg_catalog.regexp_replace(statement, ''^.* -- foreshadow [0-9]+: '', '''') AS statement'
         ELSE pg_catalog.quote_ident(a.attname) END, ', ' ORDER BY a.attnum)
       FROM pg_catalog.pg_attribute a WHERE a.attrelid = ('pg_catalog.' || v.view)::pg_catalog.regclass AND a.attnum > 0), v.source);
  END LOOP;
END $$;
RESET allow_system_table_mods;
