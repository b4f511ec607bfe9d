SELECT id AS series, ts AS "at", value FROM points
WHERE NOT starts_with(id, 'key.') OR list_has_any(/*keys*/, ['*', regexp_replace(id, '^[^:]*:|\.[^.]*$', '', 'g')])
