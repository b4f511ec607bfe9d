SELECT id, row_number() OVER (ORDER BY id DESC), rank() OVER (ORDER BY g), dense_rank() OVER (ORDER BY g), percent_rank() OVER (ORDER BY g), cume_dist() OVER (ORDER BY g) FROM tame ORDER BY id;

SELECT id, rank() OVER (PARTITION BY g ORDER BY i2), dense_rank() OVER (PARTITION BY g ORDER BY i2 DESC NULLS LAST) FROM tame ORDER BY id;

SELECT id, ntile(1) OVER (ORDER BY id), ntile(3) OVER (ORDER BY id), ntile(100) OVER (ORDER BY id) FROM tame ORDER BY id;

SELECT id, ntile(g + 1) OVER (PARTITION BY g ORDER BY id) FROM tame ORDER BY id;

-- error
SELECT ntile(0) OVER (ORDER BY id) FROM tame;

SELECT ntile(NULL) OVER (ORDER BY id) FROM tame;

SELECT id, lag(i4) OVER w, lag(i4, 2) OVER w, lag(i4, 0) OVER w, lag(i4, 1, -1) OVER w, lead(i4, 3, 0) OVER w FROM tame WINDOW w AS (ORDER BY id) ORDER BY id;

SELECT id, lag(p, 1, 0) OVER w, lag(p, 1, 0.123) OVER w, lead(s, 1, 'none') OVER w, lag(d, 1, '2000-01-01') OVER w FROM tame WINDOW w AS (ORDER BY id) ORDER BY id;

SELECT id, lag(id, -2) OVER (ORDER BY id), lead(id, -1, 99) OVER (ORDER BY id), lag(id, g) OVER (ORDER BY id) FROM tame ORDER BY id;

SELECT id, lag(id, NULL) OVER (ORDER BY id), lead(id, 1, NULL) OVER (ORDER BY id) FROM tame ORDER BY id;

SELECT id, first_value(i4) OVER w, last_value(i4) OVER w, nth_value(i4, 2) OVER w FROM tame WINDOW w AS (PARTITION BY g ORDER BY id) ORDER BY id;

SELECT id, first_value(i4) OVER w, last_value(i4) OVER w, nth_value(i4, 3) OVER w FROM tame WINDOW w AS (PARTITION BY g ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) ORDER BY id;

-- error
SELECT nth_value(id, 0) OVER (ORDER BY id) FROM tame;

SELECT id, nth_value(id, g) OVER (ORDER BY id) FROM tame WHERE g > 0 ORDER BY id;

SELECT id, sum(i4) OVER (ORDER BY id ROWS 2 PRECEDING), sum(i4) OVER (ORDER BY id ROWS BETWEEN 1 FOLLOWING AND 3 FOLLOWING), sum(i4) OVER (ORDER BY id ROWS BETWEEN 3 PRECEDING AND 2 PRECEDING) FROM tame ORDER BY id;

SELECT id, count(*) OVER (ORDER BY g), sum(i8) OVER (ORDER BY g), avg(i2) OVER (ORDER BY g), min(s) OVER (ORDER BY g), max(d) OVER (ORDER BY g) FROM tame ORDER BY id;

SELECT id, count(*) OVER (ORDER BY g RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING), count(*) OVER (ORDER BY g RANGE CURRENT ROW) FROM tame ORDER BY id;

SELECT id, sum(i4) OVER (ORDER BY id RANGE BETWEEN 3 PRECEDING AND 1 FOLLOWING), sum(i4) OVER (ORDER BY g RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM tame ORDER BY id;

SELECT id, count(*) OVER (ORDER BY p RANGE BETWEEN 10.5 PRECEDING AND 10.5 FOLLOWING) FROM tame ORDER BY id;

SELECT id, count(*) OVER (ORDER BY d RANGE BETWEEN '3 days' PRECEDING AND '1 day' FOLLOWING), count(*) OVER (ORDER BY tz DESC RANGE BETWEEN '2 hours' PRECEDING AND '1 hour' FOLLOWING) FROM tame ORDER BY id;

SELECT id, sum(i4) OVER (ORDER BY g GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING), count(*) OVER (ORDER BY g GROUPS 2 PRECEDING) FROM tame ORDER BY id;

SELECT id, sum(i4) OVER (ORDER BY g ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING EXCLUDE CURRENT ROW) FROM (SELECT id AS g, i4, id FROM tame) x ORDER BY id;

SELECT id, count(*) OVER (ORDER BY g RANGE UNBOUNDED PRECEDING EXCLUDE GROUP), count(*) OVER (ORDER BY g RANGE UNBOUNDED PRECEDING EXCLUDE TIES), count(*) OVER (ORDER BY g RANGE UNBOUNDED PRECEDING EXCLUDE NO OTHERS) FROM tame ORDER BY id;

SELECT id, sum(sum(i4)) OVER (ORDER BY id), rank() OVER (ORDER BY sum(i4)) FROM tame GROUP BY id ORDER BY id;

SELECT g, count(*), sum(count(*)) OVER (ORDER BY g), round(100.0 * count(*) / sum(count(*)) OVER (), 2) AS share FROM tame GROUP BY g ORDER BY g;

SELECT id, count(*) FILTER (WHERE i4 > 0) OVER (PARTITION BY g ORDER BY id), sum(p) FILTER (WHERE b) OVER (PARTITION BY g) FROM tame ORDER BY id;

SELECT id, sum(p) OVER (PARTITION BY b ORDER BY id), avg(p) OVER (PARTITION BY b), sum(q) OVER (ORDER BY id ROWS 1 PRECEDING) FROM tame ORDER BY id;

SELECT id, sum(w) OVER (ORDER BY id), avg(w) OVER (ORDER BY id ROWS 3 PRECEDING), min(f8) OVER (ORDER BY id ROWS 3 PRECEDING), max(f8) OVER w FROM tame WINDOW w AS (PARTITION BY g) ORDER BY id;

SELECT id, min(f8) OVER (ORDER BY id), max(f8) OVER (ORDER BY id), max(f4) OVER (PARTITION BY g) FROM wild ORDER BY id;

SELECT id, row_number() OVER w2, sum(id) OVER w1 FROM tame WINDOW w1 AS (PARTITION BY g), w2 AS (w1 ORDER BY id DESC) ORDER BY id;

SELECT id, sum(id) OVER (w ROWS 1 PRECEDING) FROM tame WINDOW w AS (ORDER BY id) ORDER BY id;

SELECT * FROM (SELECT id, g, row_number() OVER (PARTITION BY g ORDER BY i4 DESC NULLS LAST, id) AS n FROM tame) x WHERE n <= 2 ORDER BY g, n;

SELECT DISTINCT g, first_value(id) OVER (PARTITION BY g ORDER BY id DESC) FROM tame ORDER BY g;

SELECT id, bool_and(b) OVER (PARTITION BY g), bool_or(b) OVER (ORDER BY id ROWS 1 PRECEDING), every(b) OVER () FROM tame ORDER BY id;

SELECT id, string_agg(v, '-') OVER (ORDER BY id), array_agg(id) OVER (ORDER BY id ROWS 2 PRECEDING) FROM tame ORDER BY id;

SELECT id, rank() OVER (ORDER BY f8), rank() OVER (ORDER BY f8 DESC), dense_rank() OVER (ORDER BY tz NULLS FIRST) FROM wild ORDER BY id;

SELECT id, row_number() OVER (ORDER BY d, id), row_number() OVER (ORDER BY iv, id), row_number() OVER (ORDER BY y, id), row_number() OVER (ORDER BY u, id), row_number() OVER (ORDER BY e, id) FROM wild ORDER BY id;

SELECT id, lag(e) OVER (ORDER BY id), lag(iv) OVER (ORDER BY id), lag(y, 1, '\x01') OVER (ORDER BY id), last_value(u) OVER (ORDER BY id) FROM tame ORDER BY id;

SELECT id, stddev(i4) OVER (ORDER BY id ROWS 4 PRECEDING), var_pop(p) OVER (PARTITION BY g) FROM tame ORDER BY id;

SELECT id, percent_rank() OVER (PARTITION BY g ORDER BY i2), cume_dist() OVER (PARTITION BY g ORDER BY i2 NULLS FIRST) FROM tame ORDER BY id;

SELECT id, count(*) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND CURRENT ROW), count(*) OVER (ORDER BY id ROWS BETWEEN 5 FOLLOWING AND UNBOUNDED FOLLOWING), sum(id) OVER (ORDER BY id ROWS BETWEEN 5 FOLLOWING AND UNBOUNDED FOLLOWING) FROM tame ORDER BY id;

SELECT id, sum(i4) OVER (PARTITION BY g, b ORDER BY id) / nullif(count(i4) OVER (PARTITION BY g, b ORDER BY id), 0) AS mean FROM tame ORDER BY id;

SELECT id, max(p) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) - min(p) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM tame ORDER BY id;

SELECT id, row_number() OVER () > 0, count(*) OVER (ORDER BY NULL), sum(id) OVER (PARTITION BY NULL::int ORDER BY 'x'::text) FROM tame ORDER BY id;

SELECT id, sum(i8) OVER (ORDER BY id), avg(i8) OVER (ORDER BY id) FROM wild ORDER BY id;

-- error
SELECT id FROM tame WHERE row_number() OVER () = 1;

-- error
SELECT sum(row_number() OVER ()) FROM tame;

-- error
SELECT rank() FROM tame;

-- error
SELECT sum(id) OVER nope FROM tame;

-- error
SELECT sum(id) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND 1 PRECEDING) FROM tame;

-- error
SELECT sum(id) OVER (ORDER BY id ROWS -1 PRECEDING) FROM tame;

-- error
SELECT sum(id) OVER (ORDER BY id, g RANGE 1 PRECEDING) FROM tame;

-- error
SELECT count(DISTINCT g) OVER () FROM tame;

SELECT max(0) OVER (ORDER BY id ROWS BETWEEN 2 FOLLOWING AND 4 FOLLOWING) FROM tame ORDER BY 1 DESC LIMIT 3;

SELECT g, min(7) FILTER (WHERE id < 3) FROM tame GROUP BY g ORDER BY 2 DESC, 1;

SELECT nth_value(1, 2) OVER (ORDER BY id), lag(5) OVER (ORDER BY id), max('x') FILTER (WHERE id > 5) OVER (ORDER BY id) FROM tame ORDER BY 1 NULLS FIRST, 2 NULLS FIRST, 3 NULLS FIRST LIMIT 7;
