SELECT current_setting('server_version_num')::int8, pg_is_in_recovery(), current_setting('wal_level'),
  current_setting('max_replication_slots')::int8, (SELECT count(*) FROM pg_replication_slots WHERE slot_name <> $1),
  current_setting('max_wal_senders')::int8, (SELECT count(*) FROM pg_stat_replication),
  current_setting('max_slot_wal_keep_size'),
  (SELECT setting::int8 FROM pg_settings WHERE name = 'wal_sender_timeout'),
  coalesce((SELECT setting::int8 FROM pg_settings WHERE name = 'idle_replication_slot_timeout'), 0),
  EXISTS (SELECT FROM pg_replication_slots WHERE slot_type = 'physical')
    OR EXISTS (SELECT FROM pg_stat_replication r WHERE coalesce(r.state, 'streaming') = 'streaming'
      AND NOT EXISTS (SELECT FROM pg_replication_slots s WHERE s.active_pid = r.pid)),
  coalesce((SELECT setting FROM pg_settings WHERE name = 'synchronized_standby_slots'), ''),
  EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements')
