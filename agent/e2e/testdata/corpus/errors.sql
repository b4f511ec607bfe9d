-- error
SELECT nope FROM tame;

-- error
SELECT t.nope FROM tame t;

-- error
SELECT tame.id FROM tame t;

-- error
SELECT id FROM nope;

-- error
SELECT id FROM public.nope;

-- error
SELECT id FROM nope.tame;

-- error
SELECT id FROM tame, wild;

-- error
SELECT id FROM tame t JOIN wild t ON true;

-- error
SELECT g FROM tame JOIN wild USING (id);

-- error
SELECT * FROM tame JOIN wild USING (nope);

-- error
SELECT * FROM tame NATURAL JOIN nope;

-- error
SELECT nope(id) FROM tame;

-- error
SELECT length(id) FROM tame;

-- error
SELECT upper(s, v) FROM tame;

-- error
SELECT substring(d, 1) FROM tame;

-- error
SELECT sum(id, g) FROM tame;

-- error
SELECT count() FROM tame;

-- error
SELECT lower(*) FROM tame;

-- error
SELECT s + 1 FROM tame;

-- error
SELECT s = id FROM tame;

-- error
SELECT d = 1 FROM tame;

-- error
SELECT b + b FROM tame;

-- error
SELECT NOT id FROM tame;

-- error
SELECT id FROM tame WHERE id;

-- error
SELECT id FROM tame WHERE s;

-- error
SELECT id FROM tame WHERE id = 'x';

-- error
SELECT id FROM tame WHERE d > 'x';

-- error
SELECT id FROM tame WHERE b = 'maybe';

-- error
SELECT id FROM tame WHERE p = '1,5';

-- error
SELECT id FROM tame WHERE id IN (1, 'x');

-- error
SELECT id FROM tame WHERE id IN (SELECT s FROM tame);

-- error
SELECT id FROM tame WHERE id = (SELECT id, g FROM wild);

-- error
SELECT id FROM tame WHERE id = (SELECT id FROM wild);

-- error
SELECT (SELECT g FROM tame WHERE g = 1);

-- error
SELECT (SELECT s, v FROM tame);

-- error
SELECT id FROM tame WHERE (id, g) = (SELECT id FROM wild LIMIT 1);

-- error
SELECT id FROM tame WHERE (id, g) = (1, 2, 3);

-- error
SELECT id FROM tame UNION SELECT id, g FROM wild;

-- error
SELECT id FROM tame UNION SELECT s FROM wild;

-- error
SELECT id FROM tame INTERSECT SELECT d FROM wild ORDER BY 1;

-- error
SELECT id FROM tame UNION SELECT id FROM wild ORDER BY g;

-- error
SELECT id FROM tame ORDER BY 2;

-- error
SELECT id FROM tame ORDER BY nope;

-- error
SELECT id FROM tame ORDER BY s || nope;

-- error
SELECT id FROM tame GROUP BY nope;

-- error
SELECT CASE WHEN b THEN id ELSE s END FROM tame;

-- error
SELECT CASE WHEN id THEN 1 END FROM tame;

-- error
SELECT CASE id WHEN 'x' THEN 1 END FROM tame;

-- error
SELECT coalesce(id, s) FROM tame;

-- error
SELECT coalesce(id, 'x') FROM tame;

-- error
SELECT greatest(id, d) FROM tame;

-- error
SELECT nullif(id, s) FROM tame;

-- error
SELECT id::nope FROM tame;

-- error
SELECT id::date FROM tame;

-- error
SELECT d::int FROM tame;

-- error
SELECT ts::bool FROM tame;

-- error
SELECT CAST('x' AS int), id FROM tame;

-- error
SELECT '99999999999'::int, id FROM tame;

-- error
SELECT 40000::int2, id FROM tame;

-- error
SELECT id FROM tame WHERE i4 > 99999999999999999999::int8;

-- error
SELECT x.* FROM tame;

-- error
SELECT tame FROM wild;

-- error
SELECT (id).x FROM tame;

-- either (as of 16 it is allowed)
SELECT * FROM (SELECT id FROM tame);

-- error
SELECT * FROM tame t, (SELECT t.id) x;

-- error
SELECT * FROM tame t LEFT JOIN wild w ON x.id = 1;

-- error
SELECT a.id FROM tame a JOIN wild b ON a.id = c.id JOIN odd c ON true;

-- error
WITH x AS (SELECT id FROM tame) SELECT nope FROM x;

-- error
WITH x AS (SELECT id FROM tame), x AS (SELECT 1) SELECT * FROM x;

-- error
WITH x(a, b, c) AS (SELECT id FROM tame) SELECT * FROM x;

-- error
WITH x AS (SELECT * FROM y), y AS (SELECT id FROM tame) SELECT * FROM x;

-- error
WITH RECURSIVE x AS (SELECT id FROM tame UNION ALL SELECT id + 1 FROM x, x y) SELECT * FROM x;

-- error
WITH RECURSIVE x AS (SELECT id, s FROM tame UNION ALL SELECT id + 1.5, s FROM x) SELECT * FROM x;

-- error
SELECT id FROM tame AS t(a, b) WHERE id = 1;

-- error
SELECT t.a FROM tame AS t(a) JOIN wild ON t.id = 1;

-- error
SELECT id FROM tame WHERE EXISTS (SELECT nope FROM wild);

-- error
SELECT id FROM tame LIMIT 1 + s;

-- error
SELECT s LIKE 5 FROM tame;

-- error
SELECT s ~ 1 FROM tame;

-- error
SELECT id BETWEEN 1 AND 'x' FROM tame;

-- error
SELECT s COLLATE nope FROM tame;

-- error
SELECT id COLLATE "C" FROM tame;

-- error
SELECT s FROM odd o JOIN tame t ON t.s < o.iso COLLATE "C" AND t.s COLLATE "en-x-icu" > o.iso COLLATE "C";

-- error
SELECT count(*) FILTER (WHERE id) FROM tame;

-- error
SELECT DISTINCT ON (nope) id FROM tame;

-- error
SELECT id FROM ONLY nope;

-- error
SELECT $1 FROM tame WHERE id = $0;

-- error
SELECT id FROM tame WHERE;

-- error
SELECT id FROM tame WHERE id = ;

-- error
SELECT FROM tame WHERE id = 1 AND;

-- error
SELECT id,, g FROM tame;

-- error
SELECT id FROM tame GROUP id;

-- error
SELECT id FROM tame ORDER BY id LIMIT 1 LIMIT 2;

-- error
SELECT 'unterminated FROM tame;

-- error
SELECT id FROM tame "unterminated;

-- error
SELECT (id FROM tame;

-- error
SELECT id FROM tame t t2;

-- error
SELECT 1abc FROM tame;

-- error
SELECT percentile_cont(0.5) FROM tame;

-- error
SELECT mode() FROM tame;

-- error
SELECT count(DISTINCT *) FROM tame;

-- error
SELECT sum(id ORDER BY nope) FROM tame;

-- error
SELECT string_agg(DISTINCT s, ',' ORDER BY id) FROM tame;

-- error
SELECT generate_series(1, 2) FROM tame WHERE generate_series(1, 2) > 1;

-- error
SELECT (SELECT max(t.id) FROM wild WHERE max(t.id) > 1) FROM tame t;

-- error
SELECT id FROM tame WHERE grouping(id) = 0;

-- error
SELECT ints[1][2].x FROM odd;

-- error
SELECT id FROM tame FOR UPDATE OF nope;

-- error
SELECT sum(id) OVER (PARTITION BY nope) FROM tame;
