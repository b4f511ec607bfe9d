-- Things that a login must not get at, beside the shop.
CREATE ROLE hr;
GRANT SELECT ON salaries TO hr;
CREATE ROLE hidden_hr NOINHERIT LOGIN;
GRANT hr TO hidden_hr;
CREATE VIEW salary_sum AS SELECT sum(amount) AS s FROM salaries;
GRANT SELECT ON salary_sum TO analyst;
CREATE VIEW salary_view AS SELECT * FROM salaries;
CREATE TABLE partly (id integer PRIMARY KEY, open text, secret text);
GRANT SELECT (id, open) ON partly TO analyst;
INSERT INTO partly VALUES (1, 'open', 's3cret');
CREATE TABLE guarded (id integer PRIMARY KEY, owner text);
CREATE POLICY own ON guarded USING (owner = current_user);
GRANT SELECT ON guarded TO analyst;
INSERT INTO guarded VALUES (1, 'analyst'), (2, 'boss');
CREATE SCHEMA private;
CREATE TABLE private.t (id integer PRIMARY KEY);
GRANT SELECT ON private.t TO analyst;
CREATE FUNCTION order_count() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM orders';
CREATE FUNCTION salary_total() RETURNS numeric LANGUAGE sql SECURITY DEFINER AS 'SELECT sum(amount) FROM salaries';
CREATE FUNCTION twice(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2 * $1';
CREATE SEQUENCE counter;
GRANT ALL ON SEQUENCE counter TO analyst;
CREATE TABLE odd (id integer PRIMARY KEY, v text, n numeric, at timestamptz, b bytea, gen text GENERATED ALWAYS AS (upper(v)) STORED);
INSERT INTO odd (id, v, n, at, b) VALUES (1, E'tab\there\nline "quoted", \\N back\\slash', 1.50, '2026-01-02 03:04:05.678+00', '\xdeadbeef'), (2, NULL, NULL, NULL, NULL),
  (3, '', 'NaN', 'infinity', ''), (4, '\.', -0.00, '1999-12-31 23:59:59+00', '\x00'), (5, ' lead,semi;x', 12345678901234567890.5, NULL, NULL);
GRANT SELECT ON odd TO analyst;
