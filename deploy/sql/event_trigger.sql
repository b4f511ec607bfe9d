-- Optional: sends the exact text of each schema change through the log, in the transaction that made it; it stands in foreshadow.change_log with
-- transaction_type 'ddl', for logins that may read every table. Run as a superuser in the source database, on PostgreSQL 14 or newer.
-- Without it the agent still notices every change of a table's shape. A statement's text is all that the client sent with it.
CREATE OR REPLACE FUNCTION foreshadow_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
  objects text[] := ARRAY(SELECT object_identity FROM pg_catalog.pg_event_trigger_ddl_commands() WHERE schema_name IS DISTINCT FROM 'pg_temp');
BEGIN
  IF objects = '{}' AND EXISTS (SELECT FROM pg_catalog.pg_event_trigger_ddl_commands()) -- a session's temporary tables
    OR NOT EXISTS (SELECT FROM pg_catalog.pg_proc WHERE pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND proname = 'pg_logical_emit_message'
      AND proargtypes[2] = 'pg_catalog.text'::pg_catalog.regtype AND pg_catalog.has_function_privilege(oid, 'EXECUTE')) THEN -- nobody's change may fail
    RETURN;
  END IF;
  PERFORM pg_catalog.pg_logical_emit_message(true, 'foreshadow.ddl', pg_catalog.jsonb_build_object('tag', tg_tag,
    'statement', pg_catalog.current_query(), 'objects', objects, 'search_path', pg_catalog.current_setting('search_path'))::text);
END
$$;
DROP EVENT TRIGGER IF EXISTS foreshadow_ddl;
CREATE EVENT TRIGGER foreshadow_ddl ON ddl_command_end EXECUTE FUNCTION foreshadow_ddl();
