-- 480 days of history up to now, about a million rows, the same ones each time for the same anchor:
--   SET shop.anchor = '2026-11-01 12:00+00' before this file fixes the time at which the history ends.
-- Every hour has a weight (growth, day of the week, hour of the day, a little noise); each table's rows are dealt out to
-- the hours by it, in time order. Orders begin 60 days after the first customers.
SET ROLE shop_owner;
SET synchronous_commit = off;
SET max_parallel_workers_per_gather = 0;
SET work_mem = '64MB';
SET TimeZone = 'UTC';
SELECT setseed(0.42);

CREATE TEMP TABLE hours AS
WITH anchor AS (SELECT coalesce(nullif(current_setting('shop.anchor', true), '')::timestamptz, now()) AS a),
h AS (
  SELECT at, extract(epoch FROM at - min(at) OVER ())::float8 / 86400 AS day,
         extract(isodow FROM at)::int AS dow, extract(hour FROM at)::int AS hour, random() AS noise
    FROM generate_series((SELECT a FROM anchor) - interval '480 days', (SELECT a FROM anchor) - interval '1 hour', interval '1 hour') at),
w AS (
  SELECT at, day,
         (CASE dow WHEN 6 THEN 1.25 WHEN 7 THEN 1.35 WHEN 5 THEN 1.05 ELSE 0.9 END)
         * (0.25 + power(sin(pi() * ((hour + 20) % 24) / 24.0), 2) * 1.5) * (0.85 + 0.3 * noise) AS rhythm,
         1 + day / 480 AS growth
    FROM h)
SELECT at,
       sum(rhythm * growth) OVER t / sum(rhythm * growth) OVER () AS customers,
       sum(rhythm) OVER t / sum(rhythm) OVER () AS products,
       sum(CASE WHEN day >= 60 THEN rhythm * growth END) OVER t / sum(CASE WHEN day >= 60 THEN rhythm * growth END) OVER () AS orders
  FROM w WINDOW t AS (ORDER BY at);

-- For each hour the numbers dealt out up to its end and in it.
CREATE TEMP TABLE dealt AS
SELECT at, c_to, c_to - coalesce(lag(c_to) OVER o, 0) AS c, p_to, p_to - coalesce(lag(p_to) OVER o, 0) AS p,
       o_to - coalesce(lag(o_to) OVER o, 0) AS o, e_to - coalesce(lag(e_to) OVER o, 0) AS e
  FROM (SELECT at, round(40000 * customers)::int AS c_to, round(2000 * products)::int AS p_to,
               coalesce(round(150000 * orders), 0)::int AS o_to, coalesce(round(450000 * orders), 0)::int AS e_to FROM hours) h
WINDOW o AS (ORDER BY at);
UPDATE dealt SET c_to = greatest(c_to, 1), p_to = greatest(p_to, 1);
ANALYZE dealt;

INSERT INTO customers (id, email, name, city, country, newsletter, created_at)
SELECT n, 'user' || n || '@' || (ARRAY['example.com', 'example.org', 'example.net'])[1 + n % 3],
       (ARRAY['Ada', 'Ben', 'Chloe', 'Dev', 'Emil', 'Fatima', 'Grace', 'Hugo', 'Ines', 'Jun', 'Kofi', 'Lena'])[1 + (random() * 11)::int] || ' '
       || (ARRAY['Adler', 'Brown', 'Cruz', 'Dubois', 'Eriksen', 'Ferrari', 'Gupta', 'Haas', 'Ito', 'Jones'])[1 + (random() * 9)::int],
       (ARRAY['Berlin', 'Lyon', 'Milan', 'Oslo', 'Porto', 'Vienna', 'Leeds', 'Ghent'])[1 + n % 8],
       (ARRAY['DE', 'FR', 'IT', 'NO', 'PT', 'AT', 'GB', 'BE'])[1 + n % 8], random() < 0.4, at
  FROM (SELECT row_number() OVER (ORDER BY d.at, i) AS n, d.at + interval '1 hour' * ((i - 1 + random()) / d.c) AS at
          FROM dealt d CROSS JOIN LATERAL generate_series(1, d.c) i) r;

INSERT INTO products (id, sku, name, category, price, description, active, created_at)
SELECT n, 'SKU-' || lpad(n::text, 6, '0'),
       (ARRAY['Plain', 'Fine', 'Sturdy', 'Light', 'Classic'])[1 + n % 5] || ' ' || (ARRAY['lamp', 'chair', 'mug', 'rug', 'shelf', 'clock', 'bag'])[1 + n % 7] || ' ' || n,
       (ARRAY['home', 'kitchen', 'office', 'garden'])[1 + n % 4], round((5 + 195 * power(random(), 3))::numeric, 2),
       repeat(md5(n::text) || ' ', 4 + (random() * 20)::int), random() < 0.9, at
  FROM (SELECT row_number() OVER (ORDER BY d.at, i) AS n, d.at + interval '1 hour' * ((i - 1 + random()) / d.p) AS at
          FROM dealt d CROSS JOIN LATERAL generate_series(1, d.p) i) r;

-- Orders with their number of lines, none for one in a hundred; faithful customers order more often.
CREATE TEMP TABLE new_orders AS
SELECT row_number() OVER (ORDER BY d.at, i) AS id, 1 + floor(d.c_to * power(random(), 1.4))::bigint AS customer_id,
       d.at + interval '1 hour' * ((i - 1 + random()) / d.o) AS at, d.p_to,
       CASE WHEN random() < 0.01 THEN 0 ELSE 1 + floor(4.4 * power(random(), 1.6))::int END AS lines, random() AS fate
  FROM dealt d CROSS JOIN LATERAL generate_series(1, d.o) i;
ALTER TABLE new_orders ADD PRIMARY KEY (id);

INSERT INTO order_items (order_id, line, product_id, quantity, price)
SELECT l.order_id, l.line, l.product_id, l.quantity, p.price
  FROM (SELECT o.id AS order_id, line, 1 + floor(o.p_to * power(random(), 2))::int AS product_id, 1 + floor(3 * power(random(), 4))::int AS quantity
          FROM new_orders o CROSS JOIN LATERAL generate_series(1, o.lines) line) l
  JOIN products p ON p.id = l.product_id
 ORDER BY l.order_id, l.line;

INSERT INTO orders (id, customer_id, status, total, created_at, shipped_at)
SELECT o.id, o.customer_id,
       CASE WHEN o.fate < 0.04 THEN 'cancelled' WHEN age > 7 THEN 'delivered' WHEN age > 2 THEN 'shipped' WHEN age > 0.1 THEN 'paid' ELSE 'new' END,
       coalesce(i.total, 0), o.at, CASE WHEN o.fate >= 0.04 AND age > 2 THEN o.at + interval '1 day' * (0.5 + 1.4 * o.fate) END
  FROM (SELECT *, extract(epoch FROM max(at) OVER () - at)::float8 / 86400 AS age FROM new_orders) o
  LEFT JOIN (SELECT order_id, sum(quantity * price) AS total FROM order_items GROUP BY 1) i ON i.order_id = o.id
 ORDER BY o.id;

INSERT INTO events (customer_id, kind, path, detail, created_at)
SELECT CASE WHEN random() < 0.6 THEN 1 + floor(c_to * power(random(), 1.4))::bigint END,
       (ARRAY['view', 'view', 'view', 'view', 'search', 'cart', 'login', 'checkout'])[1 + (random() * 7)::int], '/p/' || 1 + floor(p_to * power(random(), 2))::int,
       jsonb_build_object('ms', (20 + 400 * power(random(), 4))::int, 'agent', (ARRAY['firefox', 'chrome', 'safari'])[1 + (random() * 2)::int]), at
  FROM (SELECT d.c_to, d.p_to, d.at + interval '1 hour' * ((i - 1 + random()) / d.e) AS at
          FROM dealt d CROSS JOIN LATERAL generate_series(1, d.e) i ORDER BY d.at, i) r;

SELECT setval(pg_get_serial_sequence('customers', 'id'), (SELECT max(id) FROM customers)),
       setval(pg_get_serial_sequence('products', 'id'), (SELECT max(id) FROM products)),
       setval(pg_get_serial_sequence('orders', 'id'), (SELECT max(id) FROM orders));
DROP TABLE hours, dealt, new_orders;
RESET ROLE;
RESET synchronous_commit;
RESET max_parallel_workers_per_gather;
RESET work_mem;
RESET TimeZone;
