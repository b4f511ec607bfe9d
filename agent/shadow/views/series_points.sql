SELECT id AS series, ts AS "at", value FROM points
