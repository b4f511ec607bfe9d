DELETE FROM run_points WHERE run_id <= %[1]d AND run_id NOT IN (
  SELECT min(run_id) FROM runs WHERE epoch(started_at) > %[2]d - %[3]d * 86400 GROUP BY floor(epoch(started_at) / 86400)
  UNION ALL
  SELECT min(run_id) FROM runs WHERE epoch(started_at) > %[2]d - %[4]d * 604800 GROUP BY floor(epoch(started_at) / 604800))
