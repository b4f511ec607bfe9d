SELECT id AS series, at, value FROM points
