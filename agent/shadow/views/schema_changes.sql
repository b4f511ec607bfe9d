SELECT ts AS "at", relation, kind, nullif(object, '') AS object, source FROM schema_events
