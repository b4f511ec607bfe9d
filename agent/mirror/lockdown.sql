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
