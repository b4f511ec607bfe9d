-- What people do with psql.
\pset pager off
\a
\set VERBOSITY default
\echo == describe
\d
\d orders
\d+ orders
\d kinds
\d+ kinds
\d order_items
\d "Billing"."Invoice"
\d readings
\d+ readings
\d+ paid_orders
\d cities
\d events_id_seq
\d "Billing".*
\dt
\dt public.*
\di
\dv
\dm
\ds
\dP
\df half
\df+ half
\dT
\dT+ status
\dD
\dn B*
\dp
\dd
\dx
\dl
\dC
\dO
\dRs
\drds
\do =
\da sum
\ddp
\dconfig work_mem
\sf half
\sv paid_orders
\dg analyst
\echo == queries
SELECT * FROM kinds ORDER BY id;
\x
SELECT * FROM kinds WHERE id = 1;
\x
SELECT id, total, created_at > '2020-01-01' FROM orders WHERE status = 'paid' ORDER BY id LIMIT 3 \gdesc
SELECT id, customer_id, status, total FROM orders WHERE status = 'paid' ORDER BY id LIMIT 3;
SELECT status, city, count(*) FROM orders o JOIN customers c ON c.id = o.customer_id GROUP BY 1, 2 ORDER BY 1, 2 \crosstabview
\set id 7
SELECT id, city FROM customers WHERE id = :id;
SELECT count(*) AS n FROM orders \gset
\echo :n
SELECT format('SELECT count(*) FROM %I', table_name) FROM information_schema.tables WHERE table_schema = 'public' AND table_name IN ('orders', 'customers') ORDER BY 1 \gexec
SELECT 1 AS a\; SELECT 2 AS b\; SELECT count(*) FROM customers;
TABLE paid_orders ORDER BY id LIMIT 2;
\echo == paging
\set FETCH_COUNT 7
SELECT id, total FROM orders WHERE id <= 20 ORDER BY id;
SELECT i FROM generate_series(1, 10) i;
\set FETCH_COUNT 300
SELECT id FROM orders WHERE id < 1000 ORDER BY id;
SELECT 1 / (id - 1) FROM orders ORDER BY id;
\unset FETCH_COUNT
\echo == errors
SELECT * FROM missing;
\echo :LAST_ERROR_SQLSTATE :ERROR
SELECT missing FROM orders;
\echo :LAST_ERROR_SQLSTATE
SELECT id FROM orders WHER id = 1;
\echo :LAST_ERROR_SQLSTATE
SELECT id / (id - 5) FROM orders WHERE id < 10;
\echo :LAST_ERROR_SQLSTATE
SELECT 1/0;
SELECT 'x'::integer;
SELECT * FROM orders WHERE total = 'abc';
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM orders WHERE lower(total) = 'abc';
\echo :LAST_ERROR_SQLSTATE
SELECT amount FROM salaries;
\echo :LAST_ERROR_SQLSTATE
\errverbose
SELECT 1; SELECT count(*) FROM orders; SELECT 1/0 FROM orders; SELECT 'after';
\echo == transactions
\echo :SERVER_VERSION_NAME :SERVER_VERSION_NUM :ENCODING
BEGIN;
SELECT count(*) FROM orders;
SAVEPOINT a;
SELECT 1 / (id - id) FROM orders;
SELECT count(*) FROM orders;
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO a;
SELECT count(*) FROM orders;
COMMIT;
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT count(*) FROM orders;
SELECT 1/0;
COMMIT;
\set ON_ERROR_ROLLBACK on
BEGIN;
SELECT nothing;
SELECT count(*) FROM customers;
COMMIT;
\unset ON_ERROR_ROLLBACK
\set AUTOCOMMIT off
SELECT count(*) FROM customers;
ROLLBACK;
\set AUTOCOMMIT on
\echo == prepared
PREPARE by_id (bigint) AS SELECT id, total FROM orders WHERE id = $1;
EXECUTE by_id (3);
EXECUTE by_id (4);
DEALLOCATE by_id;
PREPARE one AS SELECT $1 + 1 AS n;
EXECUTE one (41);
EXECUTE nothing;
\echo == cursors
BEGIN;
DECLARE c CURSOR FOR SELECT id, total FROM orders ORDER BY id;
FETCH 3 FROM c;
MOVE 2 FROM c;
FETCH c;
CLOSE c;
COMMIT;
\echo == settings
SHOW server_version;
SET TimeZone = 'America/New_York';
SELECT tz, ts FROM kinds WHERE id = 1;
SET DateStyle = 'German';
SET IntervalStyle = 'iso_8601';
SELECT d, ts, tz, iv FROM kinds WHERE id = 1;
RESET ALL;
SET application_name = 'me';
SHOW application_name;
SET search_path = "Billing", public;
SELECT count(*) FROM "Invoice";
RESET search_path;
SELECT current_database(), current_user, session_user, current_schema(), version() LIKE 'PostgreSQL 1%';
\encoding
SET client_encoding = 'LATIN1';
\encoding
RESET client_encoding;
\echo == copy
\copy (SELECT id, status, total FROM orders WHERE id < 4 ORDER BY id) TO STDOUT CSV HEADER
COPY (SELECT id, t, by, ai, at, n FROM kinds ORDER BY id) TO STDOUT;
COPY kinds TO STDOUT CSV;
\echo == explain
EXPLAIN (COSTS off) SELECT 1;
\getenv then FORESHADOW_THEN
\if :{?then}
\set QUIET on
\pset tuples_only on
\echo == foreshadow
SELECT 'state: ' || state FROM foreshadow.capture_status;
SELECT 'events now: ' || count(*) FROM events;
SET foreshadow.as_of = :'then';
SELECT 'events then, by session: ' || count(*) FROM events;
RESET foreshadow.as_of;
SELECT 'events then, by parameter: ' || count(*) FROM events AS OF :'then';
SELECT 'deleted since: ' || count(*) FROM foreshadow.change_log WHERE relation = 'public.events' AND transaction_type = 'delete';
\set VERBOSITY terse
UPDATE orders SET id = 0;
\echo write: :LAST_ERROR_SQLSTATE
\endif
