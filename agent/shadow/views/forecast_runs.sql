SELECT r.run_id, r.started_at, to_microseconds(r.horizon_us) AS horizon, r.model_version, s.id AS series, s.model,
  s.trained_from, s.trained_to, s.origins AS backtest_origins, s.mase, s.skill, s.coverage,
  r.parameters, CASE WHEN s.origins > 0 AND s.skill <= 0 THEN 'no better than the seasonal naive' END AS flag
FROM runs r JOIN run_series s ON s.run_id = r.run_id
WHERE NOT starts_with(s.id, 'key.') OR list_has_any(/*keys*/, ['*', regexp_replace(s.id, '^[^:]*:|\.[^.]*$', '', 'g')])
