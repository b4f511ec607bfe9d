-- What VACUUM, ANALYZE and the like have noted of each relation's size.
SELECT coalesce(json_agg(json_build_object('oid', oid, 'relpages', relpages, 'reltuples', reltuples, 'relallvisible', relallvisible)), '[]')::text
  FROM pg_class WHERE oid >= 16384 AND relkind IN ('r', 'p', 'm', 't', 'i', 'I')
