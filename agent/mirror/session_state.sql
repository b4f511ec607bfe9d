SELECT 'stay', name, '' FROM pg_catalog.pg_cursor() WHERE is_holdable
UNION ALL
SELECT 'setting', name, setting FROM pg_catalog.pg_settings
WHERE source = 'session' AND context IN ('user', 'superuser')
  AND name NOT IN ('transaction_isolation', 'transaction_read_only', 'transaction_deferrable')
UNION ALL
SELECT 'setting', n, pg_catalog.current_setting(n, true)
FROM pg_catalog.unnest(pg_catalog.string_to_array($1::text, ',')) n
WHERE n <> '' AND pg_catalog.current_setting(n, true) IS NOT NULL
UNION ALL
SELECT 'prepared statement', name, statement FROM pg_catalog.pg_prepared_statement() WHERE from_sql
UNION ALL
SELECT 'channel', c, 'LISTEN ' || pg_catalog.quote_ident(c) FROM pg_catalog.pg_listening_channels() c
UNION ALL
SELECT 'setting', 'role', pg_catalog.current_setting('role') WHERE pg_catalog.current_setting('role') <> 'none'
