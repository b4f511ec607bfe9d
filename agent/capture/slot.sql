SELECT p.standby, s.slot_name IS NOT NULL, coalesce(s.active, false), coalesce(s.wal_status, '') = 'lost', coalesce(s.plugin, ''), coalesce(s.database, ''),
  current_database()::text, coalesce(to_jsonb(s) ->> 'invalidation_reason', ''), coalesce((to_jsonb(s) ->> 'failover')::bool, false),
  coalesce(s.confirmed_flush_lsn, '0/0')::text,
  CASE WHEN p.standby THEN 0 ELSE coalesce(pg_current_wal_lsn() - s.restart_lsn, 0) END::int8,
  CASE WHEN s.safe_wal_size IS NULL THEN -1 ELSE greatest(s.safe_wal_size, 0) END
FROM (SELECT pg_is_in_recovery() AS standby) p LEFT JOIN pg_replication_slots s ON s.slot_name = $1
