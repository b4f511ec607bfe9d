SELECT s.run_id, s.id AS series, s.text AS query, s.measure, p.ts AS "at", p.mean, p.lo, p.hi, s.level,
  s.model, s.trained_from, s.trained_to, s.origins AS backtest_origins, s.mase, s.skill, s.coverage,
  CASE WHEN s.origins > 0 AND s.skill <= 0 THEN 'no better than the seasonal naive' END AS flag
FROM run_series s JOIN run_points p ON p.run_id = s.run_id AND p.n = s.n
WHERE s.kind IN ('load', 'host')
