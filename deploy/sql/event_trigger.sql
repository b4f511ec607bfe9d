-- Optional: sends the exact text of each schema change through the log, in the transaction that made it.
-- Run as a superuser in the source database. Without it the agent still notices every change of a table's shape.
CREATE OR REPLACE FUNCTION foreshadow_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_logical_emit_message(true, 'foreshadow.ddl',
    json_build_object('tag', tg_tag, 'statement', current_query(), 'search_path', current_setting('search_path'))::text);
END
$$;
DROP EVENT TRIGGER IF EXISTS foreshadow_ddl;
CREATE EVENT TRIGGER foreshadow_ddl ON ddl_command_end EXECUTE FUNCTION foreshadow_ddl();
