SELECT run_id, kind AS limit_kind, object, current_value, max_value, unit, p10, p50, p90, note,
  model, trained_from, trained_to, origins AS backtest_origins, mase, skill, coverage,
  CASE WHEN origins > 0 AND skill <= 0 THEN 'no better than the seasonal naive' END AS flag
FROM run_limits
WHERE kind NOT IN ('integer_key', 'sequence', 'integer_range', 'numeric_range', 'text_length', 'check_bound', 'not_null', 'partition_range') OR list_has_any(/*keys*/, ['*', regexp_replace(object, '\.[^.]*$', '')])
