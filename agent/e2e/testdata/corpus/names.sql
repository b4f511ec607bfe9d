SELECT * FROM cased ORDER BY id;

SELECT "A", a, "ID", id, "Aa", "aA" FROM cased WHERE a = 'x2';

SELECT sum("A"), max(a), sum("ID"), sum(id), min("Aa"), min("aA") FROM cased;

SELECT c."A", d.a FROM cased c JOIN cased d ON c."A" = d."A" ORDER BY 1;

SELECT array_agg("A" ORDER BY a), array_agg(a ORDER BY "A"), array_agg("ID") FROM cased;

SELECT * FROM "Cased";

SELECT x."A" FROM (SELECT "A", a AS "a" FROM cased) x ORDER BY x.a DESC;

SELECT "A" AS x, a AS "X" FROM cased ORDER BY "X";

WITH q AS (SELECT 1 AS n, 2 AS "N") SELECT n, "N", id FROM q, cased WHERE id = n;

WITH r AS (SELECT id FROM cased), "R" AS (SELECT v FROM "Cased") SELECT * FROM r, "R" ORDER BY 1;

SELECT t.id, "T".id FROM cased t, "Cased" "T" ORDER BY 1;

SELECT "from", rowid, lo, "ünïcode 😀", "say ""hi""" FROM cased WHERE rowid = -2;

SELECT cased FROM cased ORDER BY id;

SELECT (cased).a, (cased)."A" FROM cased ORDER BY (cased)."ID";

SELECT to_jsonb(cased), row_to_json(cased) FROM cased ORDER BY id;

SELECT "A", count(*) FROM cased GROUP BY "A" HAVING max(a) > 'x1' ORDER BY "A";

-- error
SELECT "iD" FROM cased;

SELECT "Ü", "ü", "ı", "İ" FROM cased WHERE "ü" <> 'u1' ORDER BY "Ü";

SELECT x."Ü", x."ü" FROM (SELECT "ü", "Ü" FROM cased) x ORDER BY 1;
