-- The role that the agent uses on the primary. Run as a superuser in the source database, for example
--   psql -d shop -v password="'...'" -f role.sql
-- It needs no superuser right: REPLICATION to read the log, pg_monitor for statistics, SELECT for the initial copy.
CREATE ROLE foreshadow LOGIN REPLICATION PASSWORD :password;
GRANT pg_monitor TO foreshadow;
SELECT format('GRANT CONNECT, CREATE ON DATABASE %I TO foreshadow', current_database()) \gexec
GRANT pg_read_all_data TO foreshadow;
