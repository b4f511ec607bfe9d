SELECT series, kind, object, measure, unit, horizon, count(DISTINCT run_id) AS runs, min(started_at) AS first_run, max(started_at) AS last_run,
  string_agg(DISTINCT model, ', ' ORDER BY model) AS models, count(*) AS points, avg(error) AS error, avg(naive_error) AS naive_error,
  avg(mean - actual) AS bias, avg(CASE WHEN error = 0 THEN 0 ELSE 200 * error / (abs(mean) + abs(actual)) END) AS smape,
  CASE WHEN avg(error) = 0 AND avg(naive_error) = 0 THEN 0 WHEN avg(naive_error) > 0 THEN 1 - sum(error) FILTER (naive_error IS NOT NULL) / sum(naive_error) END AS skill,
  avg(level) AS level, avg(inside::INTEGER) AS coverage,
  nullif(concat_ws('; ',
    CASE WHEN sum(error) FILTER (naive_error IS NOT NULL) >= sum(naive_error) THEN 'no better than the seasonal naive' END,
    CASE WHEN count(*) >= 20 AND avg(inside::INTEGER) < avg(level) / 100 - 0.1 THEN 'intervals too narrow' END), '') AS flag
FROM (SELECT *, to_hours(list_filter([1, 6, 24, 72, 168, 336, 720, 1440, 2160, 4320, 8760, 87600], lambda h: to_hours(h) >= lead)[1]) AS horizon FROM (/*errors*/))
GROUP BY ALL
