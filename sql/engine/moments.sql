SELECT nullif(pg_catalog.current_setting('foreshadow.as_of', true), ''), pg_catalog.array_to_json(pg_catalog.current_schemas(true))::text
