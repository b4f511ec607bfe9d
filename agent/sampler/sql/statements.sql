-- Counters of every statement of this database, without the texts: those are read once for each statement that matters.
-- Statements of our own role are left out unless the agent shares a superuser with the application.
SELECT coalesce(s.queryid, 0), sum(s.calls)::float8, sum(s.%[2]s)::float8, sum(s.rows)::float8,
       sum(s.shared_blks_hit + s.shared_blks_read)::float8, sum(%[3]s)::float8
  FROM %[1]s.pg_stat_statements(false) s
 WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND (s.userid <> (SELECT oid FROM pg_roles WHERE rolname = current_user)
        OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user))
 GROUP BY 1
