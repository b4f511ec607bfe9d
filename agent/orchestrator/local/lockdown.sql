-- An instance is a sandbox on the agent's host. The roles of the primary keep what they may do with its data, but none is
-- a superuser or reaches the host, and no stored password leads back to another server. Each may log in: the agent has
-- authenticated its client before it connects.
DO $$
DECLARE
  r record;
BEGIN
  FOR r IN SELECT rolname, rolsuper FROM pg_roles WHERE rolname NOT LIKE 'pg\_%' AND rolname <> current_user LOOP
    IF r.rolsuper THEN
      EXECUTE format('GRANT pg_read_all_data, pg_write_all_data, pg_monitor TO %I', r.rolname);
    END IF;
    EXECUTE format('ALTER ROLE %I NOSUPERUSER NOCREATEROLE NOREPLICATION LOGIN CONNECTION LIMIT -1 VALID UNTIL ''infinity'' PASSWORD NULL', r.rolname);
  END LOOP;
  FOR r IN
    SELECT g.rolname AS privilege, m.rolname AS member
    FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
    WHERE g.rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files')
      OR g.rolname = current_user
  LOOP
    EXECUTE format('REVOKE %I FROM %I', r.privilege, r.member);
  END LOOP;
  FOR r IN SELECT srvname, usename FROM pg_user_mappings LOOP
    EXECUTE format('DROP USER MAPPING FOR %s SERVER %I', CASE WHEN r.usename = 'public' THEN 'PUBLIC' ELSE quote_ident(r.usename) END, r.srvname);
  END LOOP;
END
$$;
-- Foreign tables keep their definition but reach nothing.
DO $$
DECLARE w name;
BEGIN
  FOR w IN SELECT fdwname FROM pg_foreign_data_wrapper LOOP
    EXECUTE format('ALTER FOREIGN DATA WRAPPER %I NO HANDLER', w);
  END LOOP;
END
$$;
-- Code in untrusted languages would run with the rights of this host's server, so it does not run at all.
DO $$
DECLARE l name;
BEGIN
  FOR l IN SELECT lanname FROM pg_language WHERE NOT lanpltrusted AND lanname NOT IN ('internal', 'c') LOOP
    UPDATE pg_proc SET prosrc = 'BEGIN RAISE insufficient_privilege; END', prolang = (SELECT oid FROM pg_language WHERE lanname = 'plpgsql')
    WHERE prolang = (SELECT oid FROM pg_language WHERE lanname = l);
  END LOOP;
END
$$;
