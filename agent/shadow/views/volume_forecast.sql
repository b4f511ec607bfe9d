SELECT s.run_id, s.object AS relation, s.measure, p.ts AS "at",
  greatest(p.mean - (p.mean - p.lo) * z.f, 0) AS p10, p.mean AS p50, p.mean + (p.hi - p.mean) * z.f AS p90,
  s.model, s.trained_from, s.trained_to, s.origins AS backtest_origins, s.mase, s.skill, s.coverage,
  CASE WHEN s.origins > 0 AND s.skill <= 0 THEN 'no better than the seasonal naive' END AS flag
FROM run_series s JOIN run_points p ON p.run_id = s.run_id AND p.n = s.n,
  LATERAL (SELECT 1.2815516 / CASE s.level WHEN 80 THEN 1.2815516 WHEN 90 THEN 1.6448536 WHEN 99 THEN 2.5758293 ELSE 1.959964 END AS f) z
WHERE s.kind = 'volume'
