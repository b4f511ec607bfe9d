-- error
SELECT 1/0 FROM tame WHERE false;

-- error
SELECT CASE WHEN id < 0 THEN 1/0 ELSE 2 END FROM tame;

-- error
SELECT id FROM tame WHERE id < 0 AND 'x'::text::int = id;

-- error
SELECT sum(id) FILTER (WHERE 1/0 = 1) FROM tame WHERE id < 0;

-- error
SELECT a.id FROM tame a LEFT JOIN tame b ON a.id = b.id AND 1/0 = 1 WHERE a.id < 0;

-- error
SELECT id, (SELECT 1/0 WHERE tame.id > 1000000) FROM tame;

-- error
SELECT id FROM tame WHERE current_setting('nope.nope') = 'x';

SELECT id FROM tame WHERE false AND 1/0 = 1;

SELECT id FROM tame WHERE (true OR 1/0 = 1) AND id < 3;

SELECT CASE WHEN true THEN 2 ELSE 1/0 END FROM tame;

SELECT CASE WHEN false THEN 1/0 ELSE id END FROM tame;

SELECT CASE 1 WHEN 2 THEN 1/0 ELSE id END FROM tame;

SELECT coalesce(1, id, 1/0) FROM tame;

SELECT '2026-13-01'::text::timestamptz FROM tame WHERE id < 0;

SELECT to_date('x', 'YYYY') FROM tame WHERE id < 0;

SELECT now() + ('x'::text)::interval FROM tame WHERE id < 0;

SELECT current_setting('nope.nope') FROM tame WHERE id < 0;

SELECT CASE WHEN id < 0 THEN current_setting('nope.nope') ELSE 'x' END FROM tame;

SELECT id FROM (SELECT id, 1/0 AS z FROM tame) x;

WITH w AS (SELECT id, 1/0 AS z FROM tame) SELECT id FROM w;

WITH w AS (SELECT id, 1/0 AS z FROM tame) SELECT id FROM tame;

SELECT id FROM tame WHERE EXISTS (SELECT 1/0 FROM wild);

SELECT count(*) FROM (SELECT id, 1/0 FROM tame) x;

SELECT x.id FROM tame x, (VALUES (1/0)) v(a) WHERE x.id < 0;

SELECT id FROM tame t WHERE id < 0 AND i4 / (g - g) > 1;
