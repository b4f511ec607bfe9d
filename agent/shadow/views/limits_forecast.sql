SELECT run_id, kind AS limit_kind, object, current_value, max_value, unit, p10, p50, p90, note,
  model, trained_from, trained_to, origins AS backtest_origins, mase, skill, coverage FROM run_limits
WHERE kind NOT IN ('integer_key', 'sequence') OR list_has_any(/*keys*/, ['*', regexp_replace(object, '\.[^.]*$', '')])
