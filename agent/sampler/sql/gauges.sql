SELECT (SELECT max(mxid_age(datminmxid)) FROM pg_database WHERE datallowconn)::float8,
       current_setting('autovacuum_freeze_max_age')::float8, current_setting('autovacuum_multixact_freeze_max_age')::float8,
       current_setting('block_size')::float8 * 4294967295
