-- Every stored point whose time has come, beside what was measured and what the seasonal naive would have said. Volumes are levels at a moment,
-- everything else is a step's value, which is known when the step is over. The naive knows what the run knew: the last level, or the same hour of its last day.
WITH p AS (
  SELECT p.run_id, r.started_at, r.model_version, s.id, s.kind, s.object, s.measure, s.unit, s.model, s.level, s.trained_from, s.trained_to, p.ts, p.mean, p.lo, p.hi,
    s.kind = 'volume' AS level_at, s.step_us,
    CASE WHEN s.kind = 'volume' THEN r.started_at
      ELSE p.ts - to_microseconds(greatest(ceil((epoch_us(p.ts) - epoch_us(s.trained_to) + s.step_us) / 86400e6), 1)::BIGINT * 86400000000) END AS naive_at
  FROM run_points p JOIN run_series s ON s.run_id = p.run_id AND s.n = p.n JOIN runs r ON r.run_id = p.run_id WHERE s.step_us > 0),
steps AS (
  SELECT s.id, s.kind = 'volume' AS level_at, contains(s.unit, '/') OR s.kind = 'host' AS rate, s.step_us, p.ts, p.value
  FROM points p JOIN series s ON s.id = p.id WHERE s.step_us > 0 AND s.id IN (SELECT id FROM p)),
seen AS (
  SELECT id, ts AS "at", arg_max(value, ts) AS value FROM steps WHERE level_at GROUP BY ALL
  UNION ALL
  SELECT id, make_timestamptz((floor(epoch_us(ts) / step_us) * step_us)::BIGINT), CASE WHEN any_value(rate) THEN avg(value) ELSE arg_max(value, ts) END
  FROM steps WHERE NOT level_at GROUP BY id, step_us, floor(epoch_us(ts) / step_us)),
last AS (SELECT id, max(ts) AS "at" FROM steps GROUP BY id),
due AS (SELECT p.* FROM p JOIN last ON last.id = p.id WHERE last.at >= p.ts + to_microseconds(CASE WHEN p.level_at THEN 0 ELSE p.step_us END)),
scored AS (SELECT due.*, a.value AS actual, a.at AS measured_at FROM due ASOF JOIN seen a ON a.id = due.id AND a.at <= due.ts)
SELECT s.run_id, s.model_version, s.id AS series, s.kind, s.object, s.measure, s.unit, s.model, s.trained_from, s.trained_to, s.started_at, s.ts AS "at",
  to_microseconds(epoch_us(s.ts) - epoch_us(s.started_at)) AS lead, s.mean, s.lo, s.hi, s.level, s.actual, n.value AS naive,
  abs(s.actual - s.mean) AS error, abs(s.actual - n.value) AS naive_error, s.actual BETWEEN s.lo AND s.hi AS inside
FROM scored s ASOF LEFT JOIN seen n ON n.id = s.id AND n.at <= s.naive_at
WHERE s.ts - s.measured_at < to_microseconds(s.step_us) AND s.ts > s.started_at
  AND (NOT starts_with(s.id, 'key.') OR list_has_any(/*keys*/, ['*', regexp_replace(s.id, '^[^:]*:|\.[^.]*$', '', 'g')]))
