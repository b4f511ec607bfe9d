SELECT run_id, relation, what, p10, p50, p90, probability, to_microseconds(within_us) AS within, because,
  model, trained_from, trained_to, origins AS backtest_origins, CASE WHEN NOT isnan(skill) THEN skill END AS skill, CASE WHEN NOT isnan(skill) AND skill <= 0 THEN 'no better than the share of tables that changed' END AS flag
FROM run_schema
