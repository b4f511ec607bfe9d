SELECT s.id AS series, s.kind, s.object, s.measure, s.unit, s.source, to_microseconds(s.step_us) AS step,
  coalesce(p.points, 0) AS points, p.first_at, p.last_at, p.last_value, s.text AS description
FROM series s LEFT JOIN (
  SELECT id, count(*) AS points, min(ts) AS first_at, max(ts) AS last_at, arg_max(value, ts) AS last_value FROM points GROUP BY id
) p ON p.id = s.id
WHERE NOT starts_with(s.id, 'key.') OR list_has_any(/*keys*/, ['*', regexp_replace(s.id, '^[^:]*:|\.[^.]*$', '', 'g')])
