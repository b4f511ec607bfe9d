-- How long the transactions that hold each table have run: any of them, and those that write or hold more than that. Autovacuum gives way by itself.
-- The row without a name is for all snapshots of the database, which whatever is done CONCURRENTLY waits for.
SELECT n.nspname || '.' || c.relname,
       max(extract(epoch FROM clock_timestamp() - a.xact_start))::float8,
       coalesce(max(extract(epoch FROM clock_timestamp() - a.xact_start)) FILTER (WHERE l.mode NOT IN ('AccessShareLock', 'RowShareLock')), 0)::float8
  FROM pg_locks l
  JOIN pg_stat_activity a ON a.pid = l.pid AND a.backend_type <> 'autovacuum worker' AND a.pid <> pg_backend_pid() AND a.xact_start IS NOT NULL
  JOIN pg_class c ON c.oid = l.relation AND c.relkind IN ('r', 'p', 'm')
  JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_%'
 WHERE l.locktype = 'relation' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
 GROUP BY 1
UNION ALL
SELECT '', coalesce(max(extract(epoch FROM clock_timestamp() - a.xact_start)), 0)::float8, 0
  FROM pg_stat_activity a
 WHERE a.datname = current_database() AND a.backend_xmin IS NOT NULL AND a.pid <> pg_backend_pid() AND a.backend_type <> 'autovacuum worker'
