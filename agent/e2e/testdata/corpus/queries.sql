WITH RECURSIVE t(id, depth) AS (SELECT id, 0 FROM tame WHERE parent IS NULL UNION ALL SELECT c.id, t.depth + 1 FROM tame c JOIN t ON c.parent = t.id) SELECT * FROM t ORDER BY id;

WITH RECURSIVE t AS (SELECT id, parent, id::text AS path FROM tame WHERE parent IS NULL UNION ALL SELECT c.id, c.parent, t.path || '/' || c.id FROM tame c JOIN t ON c.parent = t.id) SELECT * FROM t ORDER BY path;

WITH RECURSIVE n(i) AS (VALUES (1) UNION SELECT (i * 3) % 7 FROM n) SELECT i, (SELECT count(*) FROM tame WHERE g = i) FROM n ORDER BY i;

WITH RECURSIVE fib(a, b) AS (SELECT 0::numeric, 1::numeric UNION ALL SELECT b, a + b FROM fib WHERE b < 1e30) SELECT count(*), max(a) FROM fib, tame WHERE id = 1;

WITH RECURSIVE t(id, parent) AS (SELECT id, parent FROM tame WHERE id = 40 UNION SELECT p.id, p.parent FROM tame p, t WHERE p.id = t.parent) SELECT array_agg(id ORDER BY id) FROM t;

WITH RECURSIVE t AS (SELECT id, parent FROM tame WHERE parent IS NULL UNION ALL SELECT c.id, c.parent FROM tame c JOIN t ON c.parent = t.id) SEARCH DEPTH FIRST BY id SET o SELECT id FROM t ORDER BY o;

WITH RECURSIVE t AS (SELECT id, parent FROM tame WHERE parent IS NULL UNION ALL SELECT c.id, c.parent FROM tame c JOIN t ON c.parent = t.id) SEARCH BREADTH FIRST BY id SET o SELECT id, o FROM t ORDER BY o;

WITH RECURSIVE t AS (SELECT id, parent FROM wild WHERE id = 12 UNION ALL SELECT c.id, c.parent FROM wild c JOIN t ON c.id = t.parent) CYCLE id SET looped USING path SELECT id, looped, path FROM t ORDER BY path;

WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM a WHERE n < 5), b AS (SELECT n FROM a WHERE n % 2 = 1) SELECT b.n, t.s FROM b JOIN tame t ON t.id = b.n ORDER BY 1;

WITH a AS MATERIALIZED (SELECT id, p FROM tame WHERE p > 0), b AS NOT MATERIALIZED (SELECT * FROM a WHERE id > 10) SELECT count(*), sum(b.p) FROM a LEFT JOIN b USING (id);

WITH a AS (SELECT id FROM tame), b AS (WITH a AS (SELECT id + 100 AS id FROM tame) SELECT max(id) AS m FROM a) SELECT max(a.id), max(b.m) FROM a, b;

WITH tame AS (SELECT 1 AS id) SELECT tame.id, w.i2 FROM tame JOIN wild w USING (id);

WITH a(x, y) AS (SELECT id, s FROM tame), b(z) AS (SELECT x FROM a WHERE y LIKE 'a%') SELECT z FROM b ORDER BY z;

SELECT (WITH x AS (SELECT max(id) AS m FROM tame WHERE g = o.g) SELECT m FROM x), id FROM tame o ORDER BY id;

SELECT t.id, l.* FROM tame t, LATERAL (SELECT w.id AS wid, w.i2 FROM wild w WHERE w.g = t.g ORDER BY w.id LIMIT 1) l ORDER BY t.id;

SELECT t.id, l.n FROM tame t LEFT JOIN LATERAL (SELECT count(*) AS n FROM wild w WHERE w.g > t.g AND t.b) l ON true ORDER BY t.id;

SELECT t.id, l.m FROM tame t LEFT JOIN LATERAL (SELECT max(w.i2) AS m FROM wild w WHERE w.g = t.g HAVING count(*) > 1) l ON true ORDER BY t.id;

SELECT t.id, x FROM tame t CROSS JOIN LATERAL (VALUES (t.id), (t.g), (t.i4)) v(x) WHERE t.id < 6 ORDER BY t.id, x;

SELECT t.id, n FROM tame t CROSS JOIN LATERAL generate_series(1, t.g) n ORDER BY t.id, n;

SELECT a.id, b.id FROM tame a JOIN tame b ON a.parent = b.id AND a.g < b.g ORDER BY 1;

SELECT a.id, b.id FROM tame a LEFT JOIN wild b ON a.id = b.id AND b.i2 > 0 WHERE a.id < 16 ORDER BY 1;

SELECT a.id, b.id FROM wild a RIGHT JOIN tame b ON a.id = b.id * 2 ORDER BY 2, 1;

SELECT a.id, b.id FROM tame a FULL JOIN wild b ON a.id = b.g + 35 ORDER BY 1, 2;

SELECT id, a.s, b.s FROM tame a FULL JOIN wild b USING (id) ORDER BY id;

SELECT * FROM (SELECT id, g AS k FROM tame WHERE id < 4) a NATURAL JOIN (SELECT id, s FROM wild) b ORDER BY id;

SELECT * FROM (SELECT id, g FROM tame WHERE id < 9) a NATURAL LEFT JOIN (SELECT g, count(*) AS n FROM wild GROUP BY g) b ORDER BY id;

SELECT j.id, j.x FROM (tame a JOIN wild b USING (id)) AS j(id, x) WHERE j.id < 3 ORDER BY 1;

SELECT x.id, a.g, b.g FROM tame a JOIN wild b USING (id) AS x ORDER BY 1;

SELECT count(*) FROM tame a CROSS JOIN wild b CROSS JOIN empty c;

SELECT count(*) FROM tame a, wild b WHERE a.g = b.g AND (a.b OR b.b);

SELECT id FROM tame WHERE id IN (SELECT g FROM wild) ORDER BY id;

SELECT id FROM tame WHERE id NOT IN (SELECT g FROM wild) ORDER BY id;

SELECT id FROM tame WHERE id NOT IN (SELECT g FROM wild WHERE g IS NOT NULL) ORDER BY id;

SELECT id, g IN (SELECT i2 FROM wild), g NOT IN (SELECT i2 FROM wild WHERE i2 > 0), g IN (SELECT i4 FROM empty) FROM tame ORDER BY id;

SELECT id, g = ANY (SELECT i2 FROM wild), g > ALL (SELECT i2 FROM wild WHERE i2 < 2), g < SOME (SELECT i2 FROM tame), i4 <> ALL (SELECT i4 FROM empty) FROM tame ORDER BY id;

SELECT id FROM tame t WHERE EXISTS (SELECT 1 FROM wild w WHERE w.id = t.id AND w.b) OR t.id > 38 ORDER BY id;

SELECT id FROM tame t WHERE NOT EXISTS (SELECT FROM tame c WHERE c.parent = t.id) ORDER BY id;

SELECT id, (SELECT s FROM wild w WHERE w.id = t.id), (SELECT count(*) FROM wild w WHERE w.g = t.g), (SELECT sum(i4) FROM empty) FROM tame t ORDER BY id;

SELECT id, (SELECT count(*) FROM tame c WHERE c.parent = t.id) AS kids, (SELECT c.id FROM tame c WHERE c.parent = t.id ORDER BY c.id DESC LIMIT 1) AS last FROM tame t ORDER BY kids DESC, t.id;

SELECT id FROM tame t WHERE p > (SELECT avg(p) FROM tame x WHERE x.g = t.g) ORDER BY id;

SELECT id FROM tame t WHERE (SELECT b FROM tame x WHERE x.id = t.parent) ORDER BY id;

SELECT (SELECT max(i4) FROM tame) - (SELECT min(i4) FROM tame), (SELECT 1 FROM tame WHERE false), EXISTS (SELECT FROM empty), ARRAY(SELECT id FROM tame WHERE g = 1 ORDER BY id);

SELECT id FROM tame WHERE (g, b) = (1, true) ORDER BY id;

SELECT id FROM tame WHERE (g, id) < (2, 20) ORDER BY id;

SELECT id FROM tame WHERE (g, i4) >= (1, NULL) ORDER BY id;

SELECT id FROM tame WHERE (g, b) IN (SELECT g, b FROM wild) ORDER BY id;

SELECT id FROM tame WHERE (g, b) IN ((1, true), (2, false), (3, NULL)) ORDER BY id;

SELECT id, (g, b) IS NULL, (g, b) IS NOT NULL, ROW(i4, s) IS NULL, (g, i4) IS DISTINCT FROM (1, NULL) FROM tame ORDER BY id;

SELECT g FROM tame UNION SELECT g FROM wild ORDER BY 1;

SELECT g FROM tame UNION ALL SELECT g FROM wild ORDER BY 1;

SELECT g FROM tame INTERSECT SELECT g FROM wild ORDER BY 1;

SELECT g FROM tame INTERSECT ALL SELECT g FROM wild ORDER BY 1;

SELECT g FROM wild EXCEPT SELECT g FROM tame ORDER BY 1;

SELECT g FROM tame EXCEPT ALL SELECT g FROM wild ORDER BY 1;

SELECT g, b FROM tame EXCEPT SELECT g, b FROM wild ORDER BY 1, 2;

(SELECT id FROM tame ORDER BY id LIMIT 3) UNION ALL (SELECT id FROM wild ORDER BY id DESC LIMIT 3) ORDER BY 1;

SELECT id FROM tame WHERE id < 3 UNION SELECT id FROM wild WHERE id < 5 INTERSECT SELECT id FROM tame WHERE id > 2 ORDER BY 1;

(SELECT id FROM tame WHERE id < 3 UNION SELECT id FROM wild WHERE id < 5) INTERSECT SELECT id FROM tame WHERE id > 2 ORDER BY 1;

SELECT i2 FROM tame UNION SELECT i8 FROM wild UNION SELECT p FROM tame ORDER BY 1;

SELECT i4, NULL, 'x' FROM tame WHERE id = 1 UNION ALL SELECT NULL, 2.5, s FROM wild WHERE id < 4 ORDER BY 1, 2, 3;

SELECT d FROM tame WHERE id < 4 UNION SELECT tz FROM wild WHERE id IN (4, 6) ORDER BY 1;

SELECT v FROM tame UNION SELECT s FROM wild ORDER BY 1 NULLS FIRST;

SELECT f4 FROM tame UNION SELECT i4 FROM tame ORDER BY 1;

SELECT p FROM tame WHERE id < 5 UNION ALL SELECT q FROM tame WHERE id < 5 ORDER BY 1;

SELECT p FROM tame WHERE id < 5 UNION SELECT i4 FROM tame WHERE id < 5 ORDER BY 1;

VALUES (1, 'a'), ((SELECT max(id) FROM tame), 'b') ORDER BY 1 DESC;

SELECT * FROM (VALUES (1, NULL), (2, 2.5), (NULL, 3)) v(a, b) LEFT JOIN tame ON tame.id = v.a ORDER BY 1;

TABLE empty;

SELECT * FROM empty;

SELECT FROM tame;

SELECT DISTINCT g, b FROM tame ORDER BY g, b;

SELECT DISTINCT ON (g) g, id FROM tame ORDER BY g, id DESC;

SELECT DISTINCT ON (g, b) g, b, p FROM tame ORDER BY g, b, p DESC NULLS LAST, id;

SELECT DISTINCT ON (i4 % 3) i4 % 3 AS k, id FROM tame ORDER BY k NULLS FIRST, id;

SELECT DISTINCT p * 2 AS x FROM tame ORDER BY x DESC NULLS LAST;

SELECT DISTINCT f8 FROM wild ORDER BY f8;

-- error
SELECT DISTINCT g FROM tame ORDER BY id;

-- error
SELECT DISTINCT ON (g) g, id FROM tame ORDER BY id;

SELECT id FROM tame ORDER BY g DESC, b NULLS FIRST, id;

SELECT id AS g, g AS id FROM tame ORDER BY g LIMIT 5;

SELECT id FROM tame ORDER BY -id LIMIT 5;

SELECT id, s FROM tame ORDER BY s COLLATE "C" NULLS FIRST, id DESC;

SELECT id FROM tame ORDER BY CASE WHEN g = 2 THEN 0 ELSE 1 END, id OFFSET 5 LIMIT 5;

SELECT id FROM tame ORDER BY lower(s) DESC NULLS LAST, upper(v), id;

SELECT id FROM tame ORDER BY b, b IS NULL, i4 IS NULL, i4, id;

SELECT id FROM wild ORDER BY f8, id;

SELECT id FROM wild ORDER BY f4 DESC, id;

SELECT id FROM wild ORDER BY d, id;

SELECT id FROM wild ORDER BY ts DESC, id;

SELECT id FROM wild ORDER BY iv, id;

SELECT id FROM wild ORDER BY s, id;

SELECT id FROM wild ORDER BY v DESC, id;

SELECT id FROM wild ORDER BY y NULLS FIRST, id;

SELECT id FROM wild ORDER BY u, e, id;

SELECT id FROM wild ORDER BY tm DESC NULLS LAST, id;

SELECT id FROM wild ORDER BY q / 3, p * 2, id;

SELECT id FROM odd ORDER BY nn DESC, id;

SELECT id FROM odd ORDER BY iso, id;

SELECT id, c FROM odd ORDER BY c, id;

SELECT id FROM tame ORDER BY g USING >, id;

SELECT id FROM tame ORDER BY id LIMIT NULL OFFSET NULL;

SELECT id FROM tame ORDER BY id LIMIT 0;

SELECT id FROM tame ORDER BY id LIMIT 2 OFFSET 100;

SELECT id FROM tame ORDER BY id LIMIT (SELECT max(g) FROM tame);

SELECT id FROM tame ORDER BY id LIMIT 2.5;

SELECT id FROM tame ORDER BY id LIMIT '3';

-- ties
SELECT g FROM tame ORDER BY g FETCH FIRST 3 ROWS WITH TIES;

SELECT id FROM tame ORDER BY id OFFSET 2 ROWS FETCH NEXT ROW ONLY;

-- error
SELECT id FROM tame LIMIT -1;

-- error
SELECT id FROM tame OFFSET -1;

-- error
SELECT id FROM tame LIMIT id;

-- error
SELECT id FROM tame LIMIT 'x';

SELECT t FROM tame t WHERE id < 4;

SELECT t.*, t FROM (SELECT id, s, p FROM tame) t WHERE id < 4;

SELECT row_to_json(t), to_jsonb(t) FROM (SELECT id, s, p, d, tz, b FROM tame) t WHERE id < 6;

SELECT (t).id, (t).s FROM tame t WHERE id < 3;

SELECT count(t), count(t.*), count(*) FROM tame t;

SELECT * FROM tame_view ORDER BY id;

SELECT v.id, v.twice FROM tame_view v JOIN tame_view x ON v.id = x.id + 1 WHERE v.twice > 0 ORDER BY 1;

SELECT "tame"."id" AS "Weird ""Name""", id AS "select" FROM public.tame ORDER BY "select" LIMIT 2;

SELECT id "a b", g AS "?", s AS é FROM tame ORDER BY 1 LIMIT 1;

SELECT 1, 1 + 1, 'x', NULL, true, -id, id + 1, id::text, id::int8, (id), CASE WHEN b THEN 1 END, CASE id WHEN 1 THEN s END, coalesce(s, v), greatest(1, id), least(id, 2), nullif(id, 3), EXISTS (SELECT 1), (SELECT 1), (SELECT 1 AS q), ARRAY[1], ROW(1), id IS NULL, NOT b, b AND b FROM tame WHERE id = 2;

SELECT count(*), sum(id), max(id)::text, extract(year FROM max(d)), substring(max(s) FROM 1 FOR 2), position('a' IN max(s)), trim(max(s)), trim(BOTH 'a' FROM max(s)), overlay(max(s) PLACING 'x' FROM 1), current_date IS NULL, now() IS NULL, lower(max(s)), max(d) AT TIME ZONE 'UTC', max(s) LIKE 'a', max(s) COLLATE "C", CAST(max(id) AS varchar(5)) FROM tame;

-- refused
SELECT id FROM tame TABLESAMPLE BERNOULLI (100) ORDER BY id;

-- error
SELECT id FROM tame TABLESAMPLE nope (1);

SELECT g.n, count(t.id) FROM generate_series(0, 6) AS g(n) LEFT JOIN tame t ON t.g = g.n GROUP BY g.n ORDER BY g.n;

SELECT n, count(t.id) FROM generate_series(4, 0, -2) n LEFT JOIN tame t ON t.g = n GROUP BY n ORDER BY n;

SELECT g, (SELECT count(*) FROM tame WHERE p > g) FROM generate_series(0.5, 2.0, 0.25) g ORDER BY g;

SELECT n, count(t.id) FROM generate_series(timestamp '2026-03-07 00:00', '2026-03-09', '6 hours') n LEFT JOIN tame t ON t.ts >= n AND t.ts < n + interval '6 hours' GROUP BY n ORDER BY n;

SELECT n, count(t.id) FROM generate_series(timestamptz '2026-10-31 12:00+00', '2026-11-02 12:00+00', '1 day') n LEFT JOIN tame t ON t.tz >= n AND t.tz < n + interval '1 day' GROUP BY n ORDER BY n;

SELECT n::date, count(t.id) FROM generate_series(date '2026-02-27', date '2026-03-02', interval '1 day') n LEFT JOIN tame t ON t.d = n GROUP BY n ORDER BY n;

SELECT id, generate_series(1, g) FROM tame WHERE id < 6 ORDER BY 1, 2;

SELECT id, n, o FROM tame, generate_series(id, id + 2) WITH ORDINALITY AS x(n, o) WHERE id < 4 ORDER BY 1, 2;

-- error
SELECT g FROM generate_series(1, 5, 0) g, tame;

-- error
SELECT g FROM tame t, generate_series(t.id, 5, t.id - t.id) g;

WITH w AS (SELECT n1.v, n1.parent FROM tame AS n1 FULL JOIN generate_series(0, 5) AS n2 ON n1.parent = n2 WHERE n1.v !~ '[0-9]+' ORDER BY 1 NULLS FIRST, 2 LIMIT 5)
SELECT n4.id, n4.i2 FROM w LEFT JOIN wild AS n4 ON w.parent = n4.id WHERE n4.b ORDER BY 1;

SELECT n1.id, c1 FROM tame AS n1 CROSS JOIN LATERAL (SELECT every(n3.b) FROM tame AS n3 WHERE n1.b ORDER BY 1 DESC) AS n2(c1) ORDER BY 1;

SELECT id, (g IS DISTINCT FROM i4) IS TRUE, (NOT b) IS NULL, ((g IS DISTINCT FROM i4) IS DISTINCT FROM true) IS FALSE FROM tame WHERE initcap(s) = 'Apple';

SELECT id FROM tame WHERE ((g IS DISTINCT FROM i4) IS NOT NULL) IS TRUE AND initcap(s) = 'Apple';

SELECT id, (1 IS DISTINCT FROM NULL) IS TRUE FROM tame;

-- a text looks like what the printer has in the place of an operand
-- refused
SELECT id, '"operand 1"' || ((1 IS DISTINCT FROM 2) IS NOT FALSE) FROM tame;
