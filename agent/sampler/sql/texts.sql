SELECT DISTINCT ON (queryid) queryid, left(query, 4000)
  FROM %[1]s.pg_stat_statements(true)
 WHERE queryid = ANY($1) AND query IS NOT NULL
 ORDER BY queryid, calls DESC
