SELECT g, b, count(*), grouping(g), grouping(b), grouping(g, b) FROM tame GROUP BY ROLLUP (g, b) ORDER BY 6, 1, 2;

SELECT g, b, sum(p), grouping(b, g) FROM tame GROUP BY CUBE (g, b) ORDER BY 4, 1, 2;

SELECT g, b, e, count(*) FROM tame GROUP BY GROUPING SETS ((g, b), (e), ()) ORDER BY 1, 2, 3, 4;

SELECT g, b, count(*) FROM tame GROUP BY GROUPING SETS (ROLLUP (g), CUBE (b)) ORDER BY 1, 2, 3;

SELECT g, b, i2, count(*) FROM tame GROUP BY g, ROLLUP (b, i2) ORDER BY 1, 2, 3, 4;

SELECT g, b, i2, count(*) FROM tame GROUP BY ROLLUP (g, (b, i2)) ORDER BY 1, 2, 3, 4;

SELECT g, b, count(*) FROM tame GROUP BY ROLLUP (g), ROLLUP (b) ORDER BY 1, 2, 3;

SELECT g, b, count(*) FROM tame GROUP BY DISTINCT ROLLUP (g, b), ROLLUP (g) ORDER BY 1, 2, 3;

SELECT count(*), sum(id) FROM tame GROUP BY ();

SELECT count(*), sum(i4), max(s), avg(p), bool_and(i4 > 0) FROM empty;

SELECT count(*), sum(i4) FROM empty GROUP BY ();

SELECT count(*) FROM empty GROUP BY GROUPING SETS ((), ());

SELECT i4, count(*) FROM empty GROUP BY i4;

SELECT i4, count(*) FROM empty GROUP BY ROLLUP (i4);

SELECT 1 FROM tame HAVING count(*) > 3;

SELECT 1 FROM tame HAVING false;

SELECT count(*) FROM tame HAVING sum(id) IS NULL;

SELECT g, count(*) FROM tame GROUP BY g HAVING count(*) FILTER (WHERE b) > 2 ORDER BY g;

SELECT g + 1 AS n, count(*) FROM tame GROUP BY g + 1 ORDER BY n;

SELECT g % 2 AS g, count(*) FROM tame GROUP BY g ORDER BY 1, 2;

SELECT i4 / 10 AS k, count(*), min(id) FROM tame GROUP BY 1 HAVING min(id) > 1 ORDER BY k NULLS FIRST;

SELECT id, s, count(*) FROM tame GROUP BY id ORDER BY id;

SELECT t.id, t.s, sum(w.i2) FROM tame t JOIN wild w ON w.g = t.g GROUP BY t.id ORDER BY t.id;

SELECT lower(s), count(*) FROM tame GROUP BY lower(s) ORDER BY lower(s) NULLS FIRST;

SELECT upper(lower(s)), count(*) FROM tame GROUP BY lower(s) ORDER BY 1, 2;

SELECT CASE WHEN g = 0 THEN 'zero' ELSE 'more' END AS c, sum(i4) FROM tame GROUP BY c ORDER BY c;

SELECT date_trunc('week', d) AS week, count(*), sum(p) FROM tame GROUP BY week ORDER BY week;

SELECT extract(dow FROM d), count(*) FROM tame GROUP BY 1 ORDER BY 1;

SELECT b, array_agg(DISTINCT g ORDER BY g DESC), string_agg(DISTINCT s, '|' ORDER BY s) FROM tame GROUP BY b ORDER BY b;

SELECT g, string_agg(s, ', ' ORDER BY s DESC NULLS LAST, id), string_agg(id::text, '' ORDER BY id) FROM tame GROUP BY g ORDER BY g;

SELECT g, json_agg(id ORDER BY id), jsonb_object_agg(id, s), json_object_agg(id, p ORDER BY id) FROM tame WHERE id < 12 GROUP BY g ORDER BY g;

SELECT g, mode() WITHIN GROUP (ORDER BY i2), percentile_disc(0.5) WITHIN GROUP (ORDER BY i4), percentile_cont(0.25) WITHIN GROUP (ORDER BY i4) FROM tame GROUP BY g ORDER BY g;

SELECT percentile_cont(ARRAY[0, 0.1, 0.5, 0.99, 1]) WITHIN GROUP (ORDER BY f8), percentile_disc(ARRAY[0.3, 0.7]) WITHIN GROUP (ORDER BY s) FROM tame;

SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY iv), percentile_disc(0.5) WITHIN GROUP (ORDER BY d) FROM tame;

SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY p), percentile_cont(0) WITHIN GROUP (ORDER BY i8), percentile_cont(1) WITHIN GROUP (ORDER BY i8 DESC), percentile_cont(NULL) WITHIN GROUP (ORDER BY w) FROM tame;

SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY f8) FROM wild;

-- error
SELECT percentile_cont(1.5) WITHIN GROUP (ORDER BY w) FROM tame;

SELECT rank(3) WITHIN GROUP (ORDER BY g), dense_rank(3) WITHIN GROUP (ORDER BY g), percent_rank(3) WITHIN GROUP (ORDER BY g), cume_dist(3) WITHIN GROUP (ORDER BY g) FROM tame;

SELECT g, rank(0) WITHIN GROUP (ORDER BY i4 DESC) FROM tame GROUP BY g ORDER BY g;

SELECT stddev(i4), stddev_pop(i4), variance(p), var_pop(q), stddev_samp(i8) FROM tame;

-- sums
SELECT stddev(w), stddev_pop(w), variance(w), var_pop(w), stddev(f4), variance(f8) FROM tame;

-- sums
SELECT g, stddev(w), var_samp(w), stddev_pop(w) FROM tame WHERE id < 7 GROUP BY g ORDER BY g;

-- sums
SELECT corr(w, f8), covar_pop(w, f8), covar_samp(w, f8), regr_avgx(w, f8), regr_avgy(w, f8), regr_count(w, f8), regr_intercept(w, f8), regr_r2(w, f8), regr_slope(w, f8), regr_sxx(w, f8), regr_sxy(w, f8), regr_syy(w, f8) FROM tame;

-- error
SELECT variance(f8), stddev(f4) FROM wild;

SELECT sum(f8) FROM wild WHERE f8 > 0;

-- error
SELECT sum(f8) FROM wild WHERE f8 > 1e307 AND f8 < 'Infinity' OR id = 99 HAVING sum(f8) + max(f8) > 0;

-- error
SELECT sum(f8), avg(f8) FROM wild;

SELECT min(f8), max(f8), min(f4), max(f4), sum(w), avg(w) FROM wild;

SELECT sum(i2), avg(i2), sum(i4), avg(i4), sum(i8), avg(i8), sum(p), avg(p), sum(q), avg(q) FROM wild;

SELECT sum(i2), avg(i2), sum(i4), avg(i4), sum(i8), avg(i8), sum(p), avg(p), sum(q), avg(q), sum(w), avg(w), sum(iv), avg(iv) FROM tame;

SELECT sum(iv) FROM tame;

SELECT sum(iv), max(iv), min(iv) FROM wild WHERE id > 2;

SELECT min(d), max(d), min(ts), max(ts), min(tz), max(tz), min(tm), max(tm), min(s), max(s), min(v), max(v), min(e), max(e) FROM wild;

SELECT min(d), max(d), min(ts), max(ts), min(tz), max(tz), min(tm), max(tm), min(s), max(s), min(v), max(v), min(e), max(e), min(iv), max(iv) FROM tame;

SELECT count(DISTINCT i2), count(DISTINCT p), count(DISTINCT s), count(DISTINCT b), count(DISTINCT d), count(DISTINCT iv), count(DISTINCT u), count(DISTINCT y), count(DISTINCT e), count(DISTINCT f8) FROM tame;

SELECT count(DISTINCT i2), count(DISTINCT f8), count(DISTINCT f4), count(DISTINCT iv), count(DISTINCT y), count(DISTINCT d), count(DISTINCT tz) FROM wild;

SELECT sum(DISTINCT i2), avg(DISTINCT i2), sum(DISTINCT p), avg(DISTINCT w), string_agg(DISTINCT v, ',') IS NULL FROM tame;

SELECT count((g, b)), count(tame.*), count(DISTINCT (g, b)) FROM tame;

SELECT bit_and(i4), bit_or(i4), bit_xor(i4) FROM tame;

SELECT any_value_is FROM (SELECT min(id) AS any_value_is FROM tame) x;

SELECT sum(i4) FILTER (WHERE g = 1), sum(i4) FILTER (WHERE g = 99), count(*) FILTER (WHERE NULL), max(p) FILTER (WHERE b IS NULL) FROM tame;

SELECT max(g) + sum(i4) * 2 - count(*), -avg(p), sum(i4)::numeric / count(*), sum(i4) / count(*) FROM tame;

SELECT sum(x.n) FROM (SELECT count(*) AS n FROM tame GROUP BY g) x;

SELECT g, sum(i4) AS total FROM tame GROUP BY g ORDER BY total DESC, g LIMIT 3;

SELECT iv, count(*) FROM wild GROUP BY iv ORDER BY iv;

SELECT f8, count(*) FROM wild GROUP BY f8 ORDER BY f8;

SELECT e, count(*) FROM tame GROUP BY e ORDER BY e;

SELECT nn, count(*) FROM odd GROUP BY nn ORDER BY nn;

-- error
SELECT g, b FROM tame GROUP BY g;

-- error
SELECT g, s FROM tame GROUP BY ROLLUP (g);

-- error
SELECT count(*) FROM tame WHERE count(*) > 1;

-- error
SELECT sum(count(*)) FROM tame;

-- error
SELECT g FROM tame GROUP BY 2;

-- error
SELECT count(*) FROM tame GROUP BY count(*);

-- error
SELECT id FROM tame HAVING count(*) > 1;

-- error
SELECT g, count(*) FROM tame GROUP BY g ORDER BY id;

-- error
SELECT sum(s) FROM tame;

-- error
SELECT avg(b) FROM tame;

-- error
SELECT max(b) FROM tame;

-- error
SELECT max(u) FROM tame;

-- error
SELECT grouping(b) FROM tame GROUP BY g;

SELECT length('%') / count(*)::int4, count(*) FROM tame GROUP BY CUBE (g, length('%')) ORDER BY 1, 2;

SELECT b, octet_length('%'), count(*) FROM tame GROUP BY ROLLUP (b, octet_length('%')) ORDER BY 1, 2, 3;

SELECT g, count(*) FROM tame GROUP BY CUBE (g, upper('x')) ORDER BY 1, 2;

SELECT * FROM (SELECT g FROM tame) x GROUP BY ROLLUP (1) ORDER BY 1;

SELECT (NOT (NULL AND (tm <> tm))) FROM tame GROUP BY CUBE ((tm <> tm)) ORDER BY 1;

SELECT ('apple' IN ('apple', s)), count(*) FROM tame GROUP BY ROLLUP (v, ('apple' IN ('apple', s)));

SELECT g AS k, b, count(*) FROM tame GROUP BY CUBE (k, 2) ORDER BY 1, 2, 3;
