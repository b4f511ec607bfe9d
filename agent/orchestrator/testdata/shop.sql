CREATE ROLE shop_owner LOGIN;
CREATE ROLE analyst LOGIN;
CREATE SCHEMA sales;
CREATE TYPE sales.status AS ENUM ('new', 'paid', 'shipped');
CREATE DOMAIN sales.price AS numeric(12,2) CHECK (VALUE >= 0);

CREATE TABLE customers (
  id serial PRIMARY KEY, email varchar(40) NOT NULL UNIQUE, name text NOT NULL, born date,
  favourite integer, token uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(), tags text[], profile jsonb,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz);
CREATE TABLE products (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sku char(10) NOT NULL UNIQUE, price sales.price NOT NULL,
  first_order bigint, weight double precision, image bytea);
CREATE TABLE orders (
  id bigserial PRIMARY KEY, customer_id integer NOT NULL REFERENCES customers, number integer NOT NULL UNIQUE,
  status sales.status NOT NULL, created_at timestamptz NOT NULL, shipped_at timestamptz, total numeric(14,2),
  CHECK (shipped_at >= created_at));
CREATE TABLE order_items (
  order_id bigint NOT NULL REFERENCES orders ON DELETE CASCADE, line smallint NOT NULL, product_id integer NOT NULL REFERENCES products,
  quantity integer NOT NULL CHECK (quantity > 0), doubled integer GENERATED ALWAYS AS (quantity * 2) STORED, PRIMARY KEY (order_id, line));
CREATE TABLE item_notes (
  id bigserial PRIMARY KEY, order_id bigint NOT NULL, line smallint NOT NULL, note text, FOREIGN KEY (order_id, line) REFERENCES order_items);
CREATE TABLE customer_profiles (customer_id integer PRIMARY KEY REFERENCES customers, bio text);
CREATE TABLE wishes (customer_id integer REFERENCES customers, product_id integer REFERENCES products, at timestamptz, PRIMARY KEY (customer_id, product_id));
CREATE TABLE employees (id serial PRIMARY KEY, boss integer REFERENCES employees, name text UNIQUE);
CREATE TABLE product_days (product_id integer REFERENCES products, day date, sold integer, PRIMARY KEY (product_id, day));
CREATE TABLE countries (code char(2) PRIMARY KEY, name text);
CREATE TABLE logs (at timestamp NOT NULL, message text);
CREATE TABLE events (id bigint NOT NULL, order_id bigint REFERENCES orders, created_at timestamptz NOT NULL, kind text, PRIMARY KEY (id, created_at))
  PARTITION BY RANGE (created_at);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-12-15');
ALTER TABLE products ADD FOREIGN KEY (first_order) REFERENCES orders;
ALTER TABLE customers ADD FOREIGN KEY (favourite) REFERENCES products;
CREATE UNIQUE INDEX ON customers (lower(email));
CREATE UNIQUE INDEX ON orders (customer_id) WHERE status = 'new';
CREATE INDEX ON orders (customer_id);
CREATE INDEX ON order_items (product_id);
GRANT SELECT ON orders TO analyst;
ALTER TABLE orders OWNER TO shop_owner;

INSERT INTO customers (email, name, born, favourite, tags, profile, created_at, updated_at)
  SELECT 'c' || i || '@example.com', E'Name\t' || i || E'\\', date '1980-01-01' + i, NULL, ARRAY['a', NULL, 'b,c'],
    '{"a": "x"}', timestamptz '2025-11-01' + i * interval '17 hours', timestamptz '2025-11-02' + i * interval '17 hours' FROM generate_series(1, 500) i;
INSERT INTO products (sku, price, weight, image) SELECT 'SKU-' || lpad(i::text, 6, '0'), i * 1.37, CASE WHEN i % 7 = 0 THEN 'NaN' ELSE i / 3.0 END, decode(md5(i::text), 'hex') FROM generate_series(1, 50) i;
INSERT INTO orders (customer_id, number, status, created_at, shipped_at, total)
  SELECT 1 + (i * i) % 400, 1000 + i, CASE WHEN i % 5 = 0 THEN 'paid' ELSE 'shipped' END::sales.status, timestamptz '2025-11-20' + i * interval '170 minutes',
    timestamptz '2025-11-20' + i * interval '170 minutes' + interval '2 days', i * -0.37 FROM generate_series(1, 3000) i;
UPDATE orders SET status = 'new' WHERE id IN (SELECT max(id) FROM orders GROUP BY customer_id);
UPDATE customers SET favourite = 1 + id % 50 WHERE id % 3 = 0;
UPDATE products SET first_order = id * 3 WHERE id < 40;
INSERT INTO order_items SELECT o, l, 1 + (o * l) % 50, 1 + l FROM generate_series(1, 3000) o, generate_series(1, 3) l WHERE (o + l) % 4 > 0;
INSERT INTO item_notes (order_id, line, note) SELECT order_id, line, CASE WHEN line = 1 THEN 'a note' END FROM order_items WHERE order_id % 10 = 0;
INSERT INTO customer_profiles SELECT i, 'bio ' || i FROM generate_series(1, 200) i;
INSERT INTO wishes SELECT c, p, '2026-01-01' FROM generate_series(1, 300) c, generate_series(1, 3) p;
INSERT INTO employees (boss, name) SELECT CASE WHEN i > 1 THEN i / 2 END, 'Employee ' || i FROM generate_series(1, 40) i;
INSERT INTO product_days SELECT p, date '2026-10-01' + d, p * d FROM generate_series(1, 50) p, generate_series(0, 49) d;
INSERT INTO countries VALUES ('DE', 'Germany'), ('FR', 'France'), ('CH', 'Switzerland');
INSERT INTO logs SELECT timestamp '2026-01-01' + i * interval '1 hour', 'message ' || i FROM generate_series(1, 5000) i;
INSERT INTO events SELECT i, 1 + i % 3000, timestamptz '2025-12-01' + i * interval '2 hours', 'kind ' || i % 5 FROM generate_series(1, 4000) i;
