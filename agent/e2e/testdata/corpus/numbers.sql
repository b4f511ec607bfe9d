SELECT id, i4 / 3, -i4 / 3, i4 % 3, -i4 % 3, i4 / -3, i4 % -3, mod(i4, 7), mod(-i4, 7), div(i4::numeric, 7) FROM tame ORDER BY id;

SELECT id, i2 / 2::int2, i2 % 2::int2, i8 / 7, i8 % 7, i8 / -7, i8 % -7 FROM wild WHERE id > 2 ORDER BY id;

SELECT id, p / 3, p / 7.00, 1 / nullif(p, 0), p / q, q / p, 2 / 3 * p, p * 2 / 3 FROM tame WHERE p <> 0 AND q <> 0 ORDER BY id;

SELECT id, p / 3, q / 7, p * q, p + q, p - q FROM wild ORDER BY id;

SELECT id, round(p), round(p, 1), round(p, 0), round(p, -1), trunc(p), trunc(p, 1), ceil(p), floor(p), round(p::float8), round(w), trunc(w), ceil(w), floor(w) FROM wild ORDER BY id;

SELECT id, round(q, 3), round(q * 1.5, 2), round(-q, 0), sign(q), abs(q), sign(w), abs(w), sign(f8) FROM wild ORDER BY id;

SELECT id, w::int4, w::int8, p::int4, q::int8, p::int2 FROM wild WHERE abs(p) < 100 ORDER BY id;

SELECT id, w::int2, (w + 0.5)::int4, (w * 3)::int4, p::int4, (p * 10)::int4, p::numeric(6,1), p::numeric(5), q::numeric(10,2) FROM tame ORDER BY id;

SELECT id, i4::float8 / 3, i4::float4 / 3, f4 / 3, f8 / 3, f4 * f8, f4 + i4, f8 - p FROM tame ORDER BY id;

SELECT id, f4::float8, f8::float4, f4::numeric, f8::numeric, f4::text, f8::text FROM tame ORDER BY id;

SELECT id, f8::text, f4::text FROM wild ORDER BY id;

SELECT id, f4::float8, f4::numeric FROM wild WHERE abs(f4) < 1e20 ORDER BY id;

SELECT id, f8 = f8, f8 > 0, f8 < 'Infinity', f8 = 'NaN', f8 >= 'NaN', f4 = f8, f8 IN ('NaN', 0), f8 BETWEEN '-Infinity' AND 'Infinity' FROM wild ORDER BY id;

SELECT id, power(w, 2), power(w, 0.5::float8) FROM tame WHERE w >= 0 ORDER BY id;

SELECT id, sqrt(abs(w)), exp(w), ln(abs(w) + 1), log(abs(w) + 1), cbrt(w), power(2, i2), degrees(w), radians(w) FROM tame ORDER BY id;

SELECT id, sin(w), cos(w), atan2(w, 2), tanh(w), pi() * w FROM tame ORDER BY id;

SELECT id, sqrt(p), ln(p), exp(p / 100), power(p, 2), log(p), log(2, p), sqrt(q) FROM tame WHERE p > 0 AND q > 0 ORDER BY id;

SELECT id, width_bucket(p, -100, 100, 10), gcd(i4, 6), lcm(i4, 6), factorial(g), scale(p), min_scale(p), trim_scale(p) FROM tame ORDER BY id;

SELECT id, i4 & 6, i4 | 6, i4 # 6, ~i4, i4 << 2, i4 >> 1, i8 & 255, i2 | 1::int2 FROM tame ORDER BY id;

-- error
SELECT id, +i4, - - i4, -(-p), @ i4, |/ abs(w), i4 ^ 2, g !! FROM tame WHERE id = 1;

SELECT id, +i4, - - i4, -(-p), @ i4, |/ abs(w), ||/ w, i4 ^ 2 FROM tame ORDER BY id;

SELECT sum(i4), sum(i4::int8), sum(i8), sum(p), sum(p * q), sum(p / 3), avg(p / 7), max(p / 3), min(q * 2.50) FROM tame;

SELECT id, nn + 1, nn * 2, nn / 3, -nn, abs(nn), round(nn, 2), nn > 0, nn = 1, nn::text FROM odd ORDER BY id;

SELECT sum(nn), avg(nn), max(nn), min(nn), count(DISTINCT nn) FROM odd WHERE nn < 'Infinity' AND nn > '-Infinity';

SELECT sum(nn), avg(nn), max(nn), min(nn) FROM odd;

SELECT id, big, big * 2, big / 3, tiny, tiny * 2, neg, neg + 1 FROM odd ORDER BY id;

SELECT id, p * 123456789012345678901234567890.123456789 FROM tame ORDER BY id;

SELECT id, q * q * q * q FROM wild ORDER BY id;

SELECT id, p / 0.0000001, p / 1e20, 1e-10 / nullif(p, 0) FROM tame ORDER BY id;

SELECT id, 0.1 + 0.2 = 0.3, p = p::float8, w = 0.5, f8::numeric = f8, i4 = 3.0, i8 = 5e0 FROM tame ORDER BY id;

SELECT id, i2 + 1, i2 + 1::int2, i2 * i4, i4 * 1.0, i4 * 1.0::float4, pg_typeof(i2 + i4), pg_typeof(i4 * 1.0), pg_typeof(f4 + i4), pg_typeof(f4 * p), pg_typeof(i2 / i8) FROM tame ORDER BY id;

SELECT id, greatest(i4, p), least(i2, i8, w), greatest(NULL, i4), coalesce(i2, i8, p), coalesce(NULL, w, 1), nullif(i4, i8), CASE WHEN b THEN i2 ELSE p END, CASE WHEN b THEN 1 ELSE w END FROM tame ORDER BY id;

SELECT id, i4::text, i8::text, p::text, q::text, (p * 0)::text, (p / 3)::text, w::text, i4::varchar(2), p::char(4) FROM tame ORDER BY id;

SELECT id, v::int4 FROM tame WHERE v IN ('4', '-5') ORDER BY id;

SELECT id, v::numeric, v::float8 FROM tame WHERE v IN ('4', '-5', '6.50') ORDER BY id;

SELECT id, b::int4, i4::bool, g::bool, (g = 1)::int4 + 1 FROM tame ORDER BY id;

SELECT count(*) FROM tame WHERE i4 > 9223372036854775807;

SELECT id FROM tame WHERE i4 = 3.5 OR i4 IN (1, 2.0, 3) OR p = 12 ORDER BY id;

SELECT id, to_number(to_char(p, 'S999.99'), 'S999.99') FROM tame ORDER BY id;

-- error
SELECT i4 / 0 FROM tame;

-- error
SELECT 1 / 0 FROM tame;

-- error
SELECT i4 % 0 FROM tame;

-- error
SELECT p / 0 FROM tame;

-- error
SELECT f8 / 0 FROM tame;

-- error
SELECT mod(i4, g - g) FROM tame;

-- error
SELECT i4 + 1 FROM wild;

-- error
SELECT i4 * 2 FROM wild WHERE id = 2;

-- error
SELECT i8 + 1 FROM wild WHERE id = 1;

-- error
SELECT i8 - 1 FROM wild WHERE id = 2;

-- error
SELECT -i8 FROM wild WHERE id = 2;

-- error
SELECT abs(i4) FROM wild WHERE id = 2;

-- error
SELECT abs(i2) FROM wild WHERE id = 2;

-- error
SELECT (-i2)::int2 FROM wild WHERE id = 2;

-- error
SELECT i2 + 1::int2 FROM wild WHERE id = 1;

-- error
SELECT i4::int2 FROM wild WHERE id = 1;

-- error
SELECT i8::int4 FROM wild WHERE id = 1;

-- error
SELECT f8::int8 FROM wild WHERE id = 1;

-- error
SELECT f8::float4 FROM wild WHERE id = 1;

-- error
SELECT f8::int4 FROM wild WHERE f8 = 'NaN';

-- error
SELECT f8 * 10 FROM wild WHERE id = 1;

-- error
SELECT f8 * f8 FROM wild WHERE id = 5;

-- error
SELECT exp(w * 10000) FROM tame WHERE id = 40 OR id = 39;

-- error
SELECT ln(w) FROM tame WHERE w = 0;

-- error
SELECT ln(w) FROM tame WHERE w < 0;

-- error
SELECT sqrt(w) FROM tame WHERE w < 0;

-- error
SELECT power(w, -1) FROM tame WHERE w = 0;

-- error
SELECT power(w, 0.5::float8) FROM tame WHERE w < 0;

-- error
SELECT sum(i8) + 9223372036854775807::int8 * 2 FROM tame;

-- error
SELECT sum(i4)::int2 FROM wild WHERE id < 5 AND i4 > 0;

-- error
SELECT p::numeric(3,2) FROM tame;

-- error
SELECT v::int4 FROM tame;

-- error
SELECT v::numeric FROM tame;

-- error
SELECT v::float8 FROM tame;

-- error
SELECT s::bool FROM tame;

-- error
SELECT i4::bool::int8 FROM tame;

-- error
SELECT p::bool FROM tame;

-- error
SELECT i8::int4 > 3 FROM wild;

-- error
SELECT id FROM wild WHERE i4::int2 = 10;

SELECT id, f8::int4 > 1, f4::int2 = 1, f8::int8 <> 2 FROM tame ORDER BY id;

SELECT id FROM tame WHERE i8::int4 > 3 AND g::int2 < 4 ORDER BY id;

SELECT id FROM tame WHERE trunc(p + 7, 1) IN (SELECT q FROM tame);

SELECT id, round(q * 1.0, 1) >= ALL (SELECT q FROM tame WHERE q < 0), trunc(p * 1.00, 1) = ANY (SELECT q FROM tame) FROM tame;

-- error
SELECT (i2 + 32767::int2) + -3::int2 FROM tame;

-- error
SELECT -3 + (2147483647 + g) FROM tame;

-- error
SELECT (i8 - 9223372036854775807) + 9223372036854775807, (i8 + 9223372036854775807) - 5 FROM tame;

SELECT id, (i2 + 3::int2) - 5::int2, 7 - (i4 * 2), (i8 * 3) * 4, (g + 1) + (g + 2) FROM tame;

SELECT id, f4 IN (0.1, 1e6), f4 NOT IN (0.1, 0.9), f4 IN (0.1), f4 IN (i4, 0.1, 0.9), f4 IN (0.1, i4), f8 IN (0.1::real, 0.1), i8 IN (1.5::float8, 9007199254740993) FROM wild ORDER BY id;

SELECT id, round(2251799813685248.5::float8 + i2), (2251799813685248.5::float8 + i2)::int8, round(i8 / 2.0::float8) FROM wild ORDER BY id;
