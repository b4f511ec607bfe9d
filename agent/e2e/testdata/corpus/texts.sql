SELECT id, length(s), char_length(s), octet_length(s), bit_length(s), upper(s), lower(s), initcap(s), reverse(s), ascii(s), md5(s) FROM wild ORDER BY id;

SELECT id, upper(s), lower(s), upper(v), initcap(v), ascii(s), length(v) FROM tame ORDER BY id;

SELECT id, left(s, 2), left(s, -2), left(s, 0), right(s, 3), right(s, -1), left(s, g), right(s, i2) FROM tame ORDER BY id;

SELECT id, substring(s, 2), substring(s, 0), substring(s, -1, 3), substring(s, 2, 0), substring(s FROM 2 FOR 3), substr(s, g), substr(s, g, 2), substring(s FROM 3 FOR 100) FROM wild ORDER BY id;

SELECT id, substring(s FROM '[a-z]+'), substring(s FROM 'a(.)'), substring(s SIMILAR '%#"a_#"%' ESCAPE '#') FROM tame ORDER BY id;

SELECT id, position('a' IN s), position('' IN s), strpos(s, 'le'), position(s IN 'apple pie'), strpos(v, s) FROM tame ORDER BY id;

SELECT id, replace(s, 'a', 'bb'), replace(s, '', 'x'), replace(s, 'p', ''), translate(s, 'aeiou', 'AEI'), translate(s, 'abc', ''), overlay(s PLACING 'XX' FROM 2 FOR 1), overlay(s PLACING '' FROM 1) FROM tame ORDER BY id;

SELECT id, trim(s), ltrim(s), rtrim(s), btrim(s, 'ea '), trim(LEADING 'a' FROM s), trim(TRAILING 'e' FROM s), '[' || trim(v) || ']', ltrim(v, ' p') FROM wild ORDER BY id;

SELECT id, lpad(s, 8), rpad(s, 8, '-'), lpad(s, 3), rpad(s, 2, 'xy'), lpad(s, 0), lpad(s, 9, 'ab'), lpad(id::text, 4, '0'), rpad(s, -1, 'x') FROM tame ORDER BY id;

SELECT id, lpad(s, g, 'x'), rpad(s, 5, ''), repeat(v, g), repeat('ab', -1) FROM tame ORDER BY id;

SELECT id, split_part(s, ',', 1), split_part(s, ',', 3), split_part(s, ',', 9), split_part(s, ',', -1), split_part(s, ',', -3), split_part(s, '', 1), split_part(s, ',,', 2) FROM tame ORDER BY id;

-- error
SELECT split_part(s, ',', 0) FROM tame;

-- error
SELECT substring(s, 1, -1) FROM tame;

SELECT id, s || v, s || NULL, s || id, id || s, s || p, s || d, s || b, s || f8, '' || e, s || ts FROM tame ORDER BY id;

SELECT id, concat(s, v), concat(s, NULL, id, p, b, d), concat_ws(',', s, NULL, v, id), concat_ws(NULL, s) FROM tame ORDER BY id;

SELECT id, format('%s|%10s|%-10s|%I|%L|%%', s, v, v, coalesce(s, ''), s), format('%2$s %1$s', s, id), quote_ident(s), quote_literal(v), quote_nullable(s) FROM tame ORDER BY id;

SELECT id, s LIKE 'a%', s LIKE '%e', s LIKE '_p%', s LIKE '', s LIKE '%', s LIKE 'a\_b%', s LIKE '%\%%', s LIKE 'a_b%', s NOT LIKE '%a%', s LIKE NULL FROM tame ORDER BY id;

SELECT id, s LIKE 'a#_b#%c' ESCAPE '#', s LIKE 'a\_b' ESCAPE '', s LIKE '%!%%' ESCAPE '!', s NOT LIKE '#%' ESCAPE '#' FROM tame ORDER BY id;

SELECT id, s ILIKE 'A%', s ILIKE '%ÄP%', s ILIKE 'straßE', s NOT ILIKE '%N%', v ILIKE s, s ~~ 'b%', s ~~* 'b%', s !~~ '%' FROM tame ORDER BY id;

SELECT id, s LIKE v, v LIKE s, s LIKE s FROM wild WHERE s NOT LIKE '%\\' AND v NOT LIKE '%\\' ORDER BY id;

SELECT id, s SIMILAR TO '(a|B)%', s SIMILAR TO '[a-c]+', s NOT SIMILAR TO '%(e|y)', s SIMILAR TO 'a\_b\%c' FROM tame ORDER BY id;

SELECT id, s ~ '^a', s ~ 'e$', s ~* '^b', s !~ 'p{2}', s !~* 'P', s ~ '', s ~ 'a.b', s ~ '^.{6}$', s ~ '[[:upper:]]', s ~ '\d', s ~ '\yp', s ~ '(a|ch)' FROM tame ORDER BY id;

SELECT id, s ~ '^a|e$', s ~ '[^a-z]', s ~ 'x?y+z*', s ~ 'p+?', s ~ '\.', v ~ '^[-+]?[0-9]+(\.[0-9]+)?$', s ~ '(?i)APPLE', s ~ 'a(?=p)', s ~ '(p)\1' FROM tame ORDER BY id;

SELECT id, s ~ '^w', s ~ 'd$', s ~ '.', s ~ '^$', s ~ 'a.n', s ~ '\n' FROM wild ORDER BY id;

-- error
SELECT s ~ '(' FROM tame;

-- error
SELECT s ~ 'a{2,1}' FROM tame;

SELECT id, regexp_replace(s, 'p', 'X'), regexp_replace(s, 'p', 'X', 'g'), regexp_replace(s, '(a)(.)', '\2\1\&', 'gi'), regexp_match(s, '(a)(p)'), regexp_split_to_array(s, ',+'), regexp_count(s, 'p'), regexp_instr(s, 'e'), regexp_substr(s, '[aeiou]+'), regexp_like(s, 'A', 'i') FROM tame ORDER BY id;

SELECT id, m FROM tame, regexp_matches(s, '[aeiou]', 'g') m ORDER BY id, m;

SELECT id, x FROM tame, regexp_split_to_table(s, '') x WHERE id < 8 ORDER BY id, x;

SELECT id, x, n FROM tame, string_to_table(s, ',') WITH ORDINALITY AS q(x, n) ORDER BY id, n;

SELECT id, string_to_array(s, ','), string_to_array(s, NULL), string_to_array(s, ',', ''), array_to_string(string_to_array(s, ','), '|', '-') FROM tame ORDER BY id;

SELECT id, s < v, s <= 'b', s > 'B', s = 'apple', s <> v, v > '5', v < 'a', greatest(s, v), least(s, v), s BETWEEN 'a' AND 'c', s IN ('apple', 'Äpfel', NULL) FROM tame ORDER BY id;

SELECT id, s < v, s > E'\n', v = 'é', greatest(s, v), s COLLATE "C" < v, upper(s COLLATE "C") FROM wild ORDER BY id;

SELECT id, upper(iso), lower(iso), iso < 'b', iso COLLATE "C" < 'b', iso || 'x' > 'az', min(iso) OVER (), iso ILIKE 'a' FROM odd ORDER BY id;

SELECT id FROM odd ORDER BY iso || 'x', id;

SELECT iso || '!' AS x FROM odd ORDER BY x;

SELECT max(lower(iso)), min(iso || ''), count(DISTINCT lower(iso)) FROM odd;

SELECT id FROM odd ORDER BY upper(iso) COLLATE "C", id;

SELECT id, c, c || '|', length(c), c = 'a', c = 'a  ', c = 'ab', c < 'b', c::text || '|', c::varchar || '|', octet_length(c), c LIKE 'a', c LIKE 'a%', upper(c) || '|', c IN ('a', 'b'), concat(c, '|'), position('a' IN c), md5(c), left(c, 2) || '|' FROM odd ORDER BY id;

SELECT c, count(*), min(id) FROM odd GROUP BY c ORDER BY c;

SELECT max(c), min(c), count(DISTINCT c), string_agg(c, ',' ORDER BY id) FROM odd;

SELECT a.id, b.id FROM odd a JOIN odd b ON a.c = b.c AND a.id < b.id ORDER BY 1, 2;

SELECT id, s::char(3), s::char(3) || '|', s::varchar(3), s::char, s::bpchar, s::name, v::char(12) = v FROM tame ORDER BY id;

SELECT id, ch, n, n || 'x', wd, wd || 1, ch = 'A', n = 'n1', ch::int4 FROM odd ORDER BY id;

SELECT id, y, length(y), octet_length(y), y || '\xff'::bytea, encode(y, 'hex'), encode(y, 'base64'), encode(y, 'escape'), md5(y), sha256(y), y = '\x00', y < '\x41', substring(y FROM 1 FOR 1), y::text FROM wild ORDER BY id;

SELECT id, get_byte(y, 0), set_byte(y, 0, 65), position('\x5c' IN y), trim('\x00' FROM y), convert_from(y, 'LATIN1') FROM wild WHERE length(y) > 0 AND y NOT IN ('\x00', '\x0001', '\xff00', '\x00ff') ORDER BY id;

-- error
SELECT get_byte(y, 99) FROM wild;

SELECT id, chr(64 + id), to_hex(id), unistr('\0061'), normalize(s, NFD), s IS NORMALIZED, convert_to(s, 'UTF8') FROM tame ORDER BY id;

SELECT id, b::text, b, b AND NULL, b OR NULL, NOT b, b = true, b IS TRUE, b IS NOT TRUE, b IS UNKNOWN, b > false, b::varchar, CASE WHEN b THEN 'y' WHEN NOT b THEN 'n' END, b IN (true), b IS DISTINCT FROM NULL FROM tame ORDER BY id;

SELECT id, 'yes'::bool = b, 'off'::bool, 't'::bool AND b, ' TRUE '::bool OR b FROM tame ORDER BY id;

SELECT count(*) FILTER (WHERE b), count(*) FILTER (WHERE NOT b), count(*) FILTER (WHERE b IS NULL), bool_and(b), bool_or(b), every(b OR b IS NULL) FROM tame;

SELECT id FROM tame WHERE b ORDER BY id;

SELECT id FROM tame WHERE NOT b OR NULL ORDER BY id;

SELECT id, starts_with(s, 'a'), s ^@ 'a', starts_with(s, ''), starts_with(s, v) FROM tame ORDER BY id;

SELECT id, s::text::varchar::text, CAST(s AS varchar(2)), s::varchar(100), v::text, (s || v)::varchar(5) FROM tame ORDER BY id;

SELECT string_agg(s, ''), string_agg(DISTINCT s, '-'), string_agg(s, v) IS NULL FROM tame WHERE id = 1;

SELECT string_agg(s, NULL ORDER BY id), string_agg(v, ', ' ORDER BY v DESC, id), string_agg(id::text, ',' ORDER BY i4 NULLS FIRST, id) FILTER (WHERE b) FROM tame;

SELECT to_char(i4, '999'), to_char(i4, 'S000'), to_char(i4, 'FM999MI'), to_char(i4, '999PR'), to_char(i4, 'RN'), to_char(i8, '9,999,999'), to_char(i4, 'L99D9'), to_char(i4, '0999.99'), to_char(i4, '99th'), to_char(i4, '9V99'), to_char(i4, '9') FROM tame ORDER BY id;

SELECT to_char(p, '999.9'), to_char(p, 'FM990.00'), to_char(p, '9.99EEEE'), to_char(q, '999D999999'), to_char(w, '99.99'), to_char(f8, 'SG99.999'), to_char(p, '"n"999'), to_char(p / 3, '990.0000000') FROM tame ORDER BY id;

SELECT id, to_number(v, '9.99'), to_date('2026-' || id, 'YYYY-DDD'), to_timestamp(id::text, 'DD') FROM tame WHERE v IN ('4', '6.50') AND id < 29 ORDER BY id;

SELECT id, s ~ '$a', s ~ 'a^', s ~ '(^)*a', s ~ '(a|^)p', s ~ '(e$)', s ~ '^(a|b)$|^x', s ~ '^^a', s ~ '\^' FROM tame ORDER BY id;

SELECT id, s ~* 's', s ~* '[a-z]', s ~* '[^s]', s ~* 'œ', s !~* 'STRASSE' FROM wild ORDER BY id;

SELECT id, s ~* 's' FROM wild ORDER BY id;

SELECT id, s ~ 'a^' FROM tame ORDER BY id;

-- error
SELECT s ~ '^*' FROM tame;

-- error
SELECT s ~ '(?:(?i)a)' FROM tame;

-- error
SELECT s ~ '[a-c-e]' FROM tame;
