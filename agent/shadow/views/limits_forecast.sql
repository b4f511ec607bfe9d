SELECT run_id, kind AS limit_kind, object, current_value, max_value, unit, p10, p50, p90, note FROM run_limits
