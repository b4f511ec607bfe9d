SELECT d.xact_commit::float8, d.xact_rollback::float8, d.tup_returned::float8, d.tup_fetched::float8,
       d.tup_inserted::float8, d.tup_updated::float8, d.tup_deleted::float8,
       d.blks_read::float8, d.blks_hit::float8, d.temp_bytes::float8, d.deadlocks::float8,
       (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END - '0/0')::float8,
       (SELECT %s)::float8,
       (SELECT sum(numbackends) FROM pg_stat_database)::float8,
       (current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int)::float8,
       (SELECT max(age(datfrozenxid)) FROM pg_database WHERE datallowconn)::float8
  FROM pg_stat_database d
 WHERE d.datname = current_database()
