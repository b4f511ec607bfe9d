SELECT run_id, kind AS limit_kind, object, current_value, max_value, unit, p10, p50, p90, note FROM run_limits
WHERE kind NOT IN ('integer_key', 'sequence') OR list_has_any(/*keys*/, ['*', regexp_replace(object, '\.[^.]*$', '')])
