SELECT * FROM odd ORDER BY id;

-- ties
SELECT id, ints, ints[1], ints[2], ints[9], ints[1:2], ints[:2], array_length(ints, 1), cardinality(ints), array_upper(ints, 1), array_ndims(grid), array_dims(grid), grid[1][2], grid[2] FROM odd ORDER BY id;

SELECT id, ints || 7, 0 || ints, ints || ARRAY[8, 9], array_append(ints, 1), array_prepend(1, ints), array_cat(ints, ints), array_remove(ints, NULL), array_replace(ints, 1, 99), array_position(ints, 2), array_positions(ints, NULL), trim_array(ints, 1) FROM odd ORDER BY id;

SELECT id, ints @> ARRAY[2], ints <@ ARRAY[1, 2, 3], ints && ARRAY[4, 6], 2 = ANY (ints), 2 = ALL (ints), 3 <> ALL (ints), 'x1' = ANY (texts), ints = ARRAY[1, NULL, 2], ints < ARRAY[3], ints IS NULL FROM odd ORDER BY id;

SELECT o.id, e, m FROM odd o, unnest(ints) WITH ORDINALITY AS u(e, m) ORDER BY 1, 3;

SELECT o.id, a, b FROM odd o, unnest(ints, texts) AS u(a, b) ORDER BY 1, 2, 3;

SELECT id, unnest(ints) FROM odd WHERE id < 4 ORDER BY 1, 2;

SELECT id, array_to_string(texts, ',', '*'), texts::text, array_to_json(texts), to_json(ints), ints::text[], ints::float8[] FROM odd ORDER BY id;

SELECT array_agg(id ORDER BY id DESC), array_agg(i4 ORDER BY id), array_agg(DISTINCT g), array_agg(b ORDER BY id) FILTER (WHERE id < 5) FROM tame;

SELECT array_agg(ints ORDER BY id), array_agg(ARRAY[id, id * 2] ORDER BY id) FROM odd;

SELECT id, ARRAY[id, i4, NULL], ARRAY[s, v], ARRAY[[id, 1], [2, 3]], ARRAY[]::int[], ARRAY[p, 1, 2.5], array_fill(id, ARRAY[2]) FROM tame WHERE id < 5 ORDER BY id;

-- error
SELECT ARRAY[id, s] FROM tame;

-- error
SELECT ints[1] + texts[1] FROM odd;

-- refused
SELECT id, generate_subscripts(ints, 1), (ARRAY(SELECT g FROM generate_series(1, id) g))[2] FROM odd WHERE id < 4 ORDER BY 1, 2;

SELECT id, jb, jb -> 'k', jb ->> 'k', jb -> 'a' -> 2 ->> 'b', jb #> '{a,2,b}', jb #>> '{o,p,q,0}', jb -> 0, jb ->> -1, jb ->> 'n', jb ->> 's', jb ->> 'z', jb ->> 't', jb ->> 'big', jb ->> '' FROM odd ORDER BY id;

SELECT id, jb ->> 'n', jb ->> 'k', jb ->> 's' FROM odd ORDER BY id;

SELECT id, jb -> 'o' ->> 'p', jb -> 'o' -> 'p' ->> 'q', jb ->> 'a' FROM odd ORDER BY id;

SELECT id, jb @> '{"k": 1}', jb <@ '{"k": 2, "n": 100, "s": "é\"q\"", "a": []}', jb ? 'k', jb ?| ARRAY['a', 'big'], jb ?& ARRAY['k', 'n'], jb || '{"new": 1}', jb - 'k', jb - ARRAY['k', 'a'], jb #- '{a,0}' FROM odd WHERE jsonb_typeof(jb) IN ('object', 'array') AND id <> 3 ORDER BY id;

SELECT id, jsonb_typeof(jb), jb::text, jsonb_pretty(jb), jb = '{}', jb > '1', jb IS NULL, jsonb_strip_nulls(jb) FROM odd ORDER BY id;

SELECT id, jsonb_array_length(jb), jsonb_array_elements(jb) FROM odd WHERE jsonb_typeof(jb) = 'array' ORDER BY 1, 3;

SELECT o.id, k, v FROM odd o, jsonb_each(jb) AS e(k, v) WHERE jsonb_typeof(jb) = 'object' ORDER BY 1, 2;

SELECT o.id, k FROM odd o, jsonb_object_keys(jb) k WHERE jsonb_typeof(jb) = 'object' ORDER BY 1, 2;

SELECT id, x.* FROM odd, jsonb_to_record(jb) AS x(k text, n numeric, a jsonb) WHERE jsonb_typeof(jb) = 'object' ORDER BY id;

SELECT id, jsonb_path_query_array(jb, '$.a[*]'), jsonb_path_exists(jb, '$.a[*] ? (@ > 1)'), jb @? '$.k', jb @@ '$.k == 1', jsonb_path_query_first(jb, '$.**.b'), jsonb_path_query_array(jb, 'strict $.*', silent => true) FROM odd ORDER BY id;

SELECT id, jsonb_set(jb, '{k}', '9'), jsonb_insert(jb, '{a,0}', '"first"'), jsonb_build_object('id', id, 'p', big), jsonb_build_array(id, 'x', NULL), to_jsonb(r), json_build_object('ints', ints) FROM odd WHERE jsonb_typeof(jb) = 'object' ORDER BY id;

SELECT id, js -> 'a', js ->> 'b', js -> 'b' ->> 'c', js #>> '{a,1}', json_array_length(js -> 'a'), js::text, js::jsonb FROM odd ORDER BY id;

SELECT jsonb_agg(t ORDER BY id), json_object_agg(id, s ORDER BY id) FROM (SELECT id, s FROM tame WHERE id < 5) t;

-- error
SELECT (jb ->> 'k')::int + (jb ->> 's')::int FROM odd;

-- error
SELECT js = js FROM odd;

SELECT id, r, lower(r), upper(r), isempty(r), lower_inc(r), upper_inf(nr), r @> 3, r && int4range(2, 5), r * int4range(2, 5), r + int4range(1, 30), r - int4range(1, 3), r << int4range(30, 40), r -|- int4range(1, 2), r = '[2,3)' FROM odd WHERE NOT isempty(r) AND id < 3 ORDER BY id;

SELECT id, r, nr, dr, tr, mr, isempty(r), upper(dr), tr @> timestamptz '2026-01-01 04:00+00', mr @> 2, mr + '{[100,101)}', range_merge(mr), multirange(r), nr @> 3.3, dr << daterange('2026-02-01', NULL) FROM odd ORDER BY id;

SELECT id, unnest(mr) FROM odd WHERE id < 4 ORDER BY 1, 2;

SELECT range_agg(r), range_intersect_agg(nr), max(upper(r)) FROM odd;

SELECT id FROM odd ORDER BY r, id;

-- error
SELECT int4range(id, g) FROM tame WHERE id > g;

SELECT id, bits, bits | B'00001', bits & B'11110', bits # B'10101', ~bits, bits << 1, bits::int, length(bits), get_bit(bits, 0), vb, vb || B'1', bit_count(bits), bits = B'00011', substring(vb FROM 1 FOR 3) FROM odd ORDER BY id;

SELECT bit_and(bits), bit_or(bits), count(DISTINCT bits) FROM odd;

SELECT id, ip, host(ip), netmask(ip), network(ip), broadcast(ip), masklen(ip), ip + 5, ip - '192.168.0.0', ip << '192.168.0.0/16', ip && net, family(ip), net, abbrev(net), mac, trunc(mac), ip::text, ip < '192.168.5.0' FROM odd ORDER BY id;

SELECT max(ip), min(net) FROM odd;

SELECT id, cash, cash * 2, cash / 3, cash + '1.50', cash / '2'::money, cash::numeric, cash > '2000' FROM odd ORDER BY id;

-- error
SELECT -cash FROM odd;

SELECT sum(cash), max(cash) FROM odd;

SELECT id, e, e > 'sad', e = 'ok', e <> 'happy', e IN ('ok', 'happy'), e::text, greatest(e, 'ok'), e BETWEEN 'sad' AND 'ok', moods, moods[1] FROM (SELECT t.id, t.e, o.moods FROM tame t LEFT JOIN odd o ON o.id = t.id) x ORDER BY id;

SELECT e, count(*), min(id) FROM tame GROUP BY e ORDER BY e DESC NULLS LAST;

SELECT max(e), min(e), enum_range(NULL::mood), enum_first(max(e)) FROM tame;

SELECT id FROM tame ORDER BY e, id LIMIT 20;

SELECT a.id, b.id FROM tame a JOIN wild b ON a.e = b.e WHERE a.id < 6 ORDER BY 1, 2;

-- error
SELECT id FROM tame WHERE e = 'angry';

-- error
SELECT id FROM tame WHERE e = s;

-- error
SELECT s::mood FROM tame;

SELECT id, dom, dom + 1, dom IS NULL, wd, length(wd), pg_typeof(dom), pg_typeof(dom + 1), pg_typeof(wd || 'x') FROM odd ORDER BY id;

-- error
SELECT (id - 5)::positive FROM odd;

SELECT id, pr, (pr).x, (pr).y, pr = ROW(1, 'p1')::pair, pr IS NULL, ROW(id, c), ROW(id, c) = ROW(1, 'a'), (pr).x + 1 FROM odd ORDER BY id;

-- error
SELECT (pr).z FROM odd;

SELECT id, u, u::text, u = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', u < 'b0000000-0000-0000-0000-000000000000', u IN ('ffffffff-ffff-ffff-ffff-ffffffffffff'), u IS NULL FROM wild ORDER BY id;

SELECT u, count(*) FROM wild GROUP BY u ORDER BY u;

SELECT a.id, b.id FROM wild a JOIN wild b USING (u) WHERE a.id < b.id ORDER BY 1;

-- error
SELECT s::uuid FROM tame;

-- error
SELECT id FROM tame WHERE u = 'not-a-uuid';

SELECT id, x, l, o, reg, x = '5', l > '0/5', l - '0/1', l + 1, o > 3, reg::text, reg::oid = 1259, x::text FROM odd ORDER BY id;

SELECT max(l), min(l), max(o) FROM odd;

SELECT id, tt, tt > '12:00+00', tt AT TIME ZONE 'UTC', extract(timezone_hour FROM tt), tt::time, i3, i3 * 2, extract(hour FROM i3) FROM odd ORDER BY id;

SELECT id, pt, pt[0], pt <-> point(0, 0), bx, area(bx), bx @> pt, pt << point(5, 5), center(bx), circle(pt, 2) FROM odd ORDER BY id;

SELECT id, xm, xpath('/a/@b', xm), xm::text, xmlelement(name z, id) FROM odd ORDER BY id;

SELECT id, tsv, tsq, tsv @@ tsq, ts_rank(tsv, tsq), tsv @@ 'quick', to_tsvector('english', 'running foxes') @@ tsq, numnode(tsq) FROM odd ORDER BY id;

SELECT id, doubled, doubled + id, doubled = id * 2 FROM odd WHERE doubled > 6 ORDER BY doubled DESC;

SELECT id, i2::text, i4::text, i8::text, p::text, q::text, f4::text, f8::text, b::text, s::text, d::text, ts::text, tz::text, iv::text, tm::text, u::text, y::text, e::text FROM tame ORDER BY id;

SELECT id, i2::varchar, p::varchar(4), b::varchar(2), d::varchar(7), u::varchar(8), f8::varchar(3) FROM tame ORDER BY id;

SELECT id, pg_typeof(i2), pg_typeof(p), pg_typeof(s), pg_typeof(v), pg_typeof(d), pg_typeof(tz), pg_typeof(e), pg_typeof(NULL), pg_typeof('x'), pg_typeof(1), pg_typeof(1.0), pg_typeof(s || v) FROM tame WHERE id = 1;

SELECT NULL, NULL::int, 'x', 1.50, 1e3, B'101', X'1F', E'a\nb', $$dollar$$, U&'\0061', date '2026-01-01', interval '1' hour, true, 'x'::varchar(3), 5::int2, 12345678901, 99999999999999999999 FROM tame WHERE id = 1;

SELECT id, tr, dr FROM odd ORDER BY id;

SELECT id, pt, pr FROM odd ORDER BY id;

SELECT id, pr IS NULL, pr IS NOT NULL FROM odd ORDER BY id;

-- refused
SELECT id, pg_column_size(s) FROM tame WHERE id = 1;
