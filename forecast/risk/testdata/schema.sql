CREATE TABLE customers (id int PRIMARY KEY, email varchar(80) UNIQUE, name text, note text);
CREATE TABLE orders (
  id bigserial PRIMARY KEY,
  customer_id int NOT NULL CONSTRAINT orders_customer_fkey REFERENCES customers,
  reference int,
  state varchar(20) DEFAULT 'new',
  amount numeric(10,2),
  quantity int,
  body json,
  placed timestamp,
  paid timestamptz,
  label text COLLATE "C",
  number int GENERATED ALWAYS AS IDENTITY,
  doubled bigint GENERATED ALWAYS AS (quantity * 2) STORED,
  CONSTRAINT amount_positive CHECK (amount > 0) NOT VALID,
  CONSTRAINT quantity_known CHECK (quantity IS NOT NULL));
ALTER TABLE orders ADD CONSTRAINT orders_reference_fkey FOREIGN KEY (reference) REFERENCES customers NOT VALID;
CREATE INDEX orders_state ON orders (state);
CREATE INDEX orders_placed ON orders (placed);
CREATE INDEX orders_lower ON orders (lower(label));
CREATE UNIQUE INDEX orders_number ON orders (number);
CREATE UNIQUE INDEX orders_reference_number ON orders (reference, number);
CREATE VIEW open_orders AS SELECT id, state FROM orders WHERE state = 'new';
CREATE MATERIALIZED VIEW totals AS SELECT customer_id, count(*) AS n FROM orders GROUP BY 1;
CREATE UNIQUE INDEX totals_customer ON totals (customer_id);
CREATE TABLE events (id bigint, at timestamptz NOT NULL, kind varchar(10), customer_id int) PARTITION BY RANGE (at);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE INDEX events_at ON events (at);
CREATE TABLE events_2027 (id bigint, at timestamptz NOT NULL, kind varchar(10), customer_id int);
CREATE TABLE events_2028 (id bigint, at timestamptz NOT NULL, kind varchar(10), customer_id int,
  CONSTRAINT y2028 CHECK (at >= '2028-01-01' AND at < '2029-01-01'));
CREATE INDEX ON events_2028 (at);
CREATE TABLE regions (id int, code text NOT NULL, customer_id int REFERENCES customers) PARTITION BY LIST (code);
CREATE TABLE regions_eu PARTITION OF regions FOR VALUES IN ('de', 'fr');
CREATE TABLE regions_rest PARTITION OF regions DEFAULT;
CREATE TABLE regions_us (id int, code text NOT NULL CHECK (code IN ('us')), customer_id int REFERENCES customers);
CREATE TABLE animals (id int PRIMARY KEY, name text);
CREATE TABLE dogs (barks int) INHERITS (animals);
CREATE TABLE cats (id int NOT NULL, name text, lives int);
CREATE TABLE staging (id int, price int, big bigint);
CREATE UNIQUE INDEX staging_id ON staging (id);
CREATE UNLOGGED TABLE cache (id serial, value text);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN plain AS int;
CREATE TABLE measures (id int, value positive, other plain);
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE people (id int PRIMARY KEY, feeling mood, born date, span int4range);
CREATE SEQUENCE tickets;
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER people_touched BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION touched();
CREATE POLICY everybody ON people USING (true);
CREATE RULE quiet AS ON DELETE TO cats DO INSTEAD NOTHING;
INSERT INTO customers SELECT i, 'c' || i || '@example.com', 'name', 'note' FROM generate_series(1, 100) i;
INSERT INTO orders (customer_id, reference, amount, quantity, body, placed, paid, label)
  SELECT 1 + i % 100, 1 + i % 100, i, i, '{}', now(), now(), 'l' || i FROM generate_series(1, 300) i;
INSERT INTO events SELECT i, '2025-06-01'::timestamptz + i * interval '1 day', 'k', 1 FROM generate_series(1, 300) i;
INSERT INTO events_2027 SELECT i, '2027-06-01', 'k', 1 FROM generate_series(1, 50) i;
INSERT INTO events_2028 SELECT i, '2028-06-01', 'k', 1 FROM generate_series(1, 50) i;
INSERT INTO regions SELECT i, CASE i % 3 WHEN 0 THEN 'de' ELSE 'x' END, 1 FROM generate_series(1, 60) i;
INSERT INTO regions_us SELECT i, 'us', 1 FROM generate_series(1, 60) i;
INSERT INTO animals SELECT i, 'a' FROM generate_series(1, 20) i;
INSERT INTO dogs SELECT 100 + i, 'd', i FROM generate_series(1, 20) i;
INSERT INTO cats SELECT 200 + i, 'c', 9 FROM generate_series(1, 20) i;
INSERT INTO staging SELECT i, i, i FROM generate_series(1, 50) i;
INSERT INTO cache (value) SELECT 'v' FROM generate_series(1, 50) i;
INSERT INTO measures SELECT i, i, i FROM generate_series(1, 50) i;
INSERT INTO people SELECT i, 'ok', '2000-01-01', int4range(i, i + 1) FROM generate_series(1, 50) i;
REFRESH MATERIALIZED VIEW totals;
ANALYZE;
