-- Sessions of clients in this database, by user and application; what the sampler itself does is left out.
SELECT coalesce(usename, '')::text, coalesce(nullif(application_name, ''), 'unnamed'), count(*) FILTER (WHERE state = 'active')::float8
  FROM pg_stat_activity
 WHERE backend_type = 'client backend' AND datname = current_database() AND pid <> pg_backend_pid()
 GROUP BY 1, 2
