SELECT count(*), sum(t.id) FROM (SELECT o_orderkey AS id, o_custkey AS k FROM tpch.orders ORDER BY 1 LIMIT 1000) t WHERE t.k IN (SELECT n_nationkey FROM tpch.nation);

SELECT count(*), sum(t.id) FROM (SELECT o_orderkey AS id, o_custkey AS k FROM tpch.orders ORDER BY 1 LIMIT 1000) t JOIN tpch.nation ON t.k = n_nationkey;

SELECT count(*), sum(t.id) FROM (SELECT o_orderkey AS id, o_custkey AS k FROM tpch.orders ORDER BY 1 OFFSET 4000) t JOIN tpch.nation ON t.k = n_nationkey;

SELECT count(*), sum(t.id) FROM (SELECT o_orderkey AS id, o_custkey AS k FROM tpch.orders ORDER BY 1 LIMIT 1000 OFFSET 800) t JOIN tpch.nation ON t.k = n_nationkey;

SELECT count(*), sum(t.id) FROM (SELECT o_orderkey AS id, o_custkey AS k FROM tpch.orders ORDER BY 1 FETCH FIRST 1000 ROWS ONLY) t JOIN tpch.nation ON t.k = n_nationkey;

WITH t AS (SELECT o_orderkey AS id, o_custkey AS k FROM tpch.orders ORDER BY 1 LIMIT 1000) SELECT count(*), sum(t.id) FROM t JOIN tpch.nation ON t.k = n_nationkey;

WITH t AS NOT MATERIALIZED (SELECT o_orderkey AS id, o_custkey AS k FROM tpch.orders ORDER BY 1 LIMIT 1000), u AS (SELECT k, id FROM t) SELECT count(*), sum(u.id) FROM u JOIN tpch.nation ON u.k = n_nationkey;

SELECT count(*), sum(t.id) FROM (SELECT a.o_orderkey AS id, a.o_custkey AS k FROM tpch.orders a JOIN tpch.orders b USING (o_orderkey) ORDER BY 1 LIMIT 1000) t JOIN tpch.nation ON t.k = n_nationkey;

SELECT count(*), sum(id) FROM (SELECT t.id FROM (SELECT o_orderkey AS id, o_custkey AS k FROM tpch.orders ORDER BY 1 LIMIT 1000) t JOIN tpch.nation ON t.k = n_nationkey ORDER BY 1 LIMIT 30) x;

SELECT count(*), sum(t.id) FROM (SELECT o_orderkey AS id, o_custkey AS k FROM tpch.orders UNION ALL SELECT o_orderkey, o_custkey FROM tpch.orders ORDER BY 1 LIMIT 2000) t JOIN tpch.nation ON t.k = n_nationkey;

SELECT count(*), sum(t.id) FROM ((SELECT o_orderkey AS id, o_custkey AS k FROM tpch.orders ORDER BY 1 LIMIT 1000) UNION ALL (SELECT o_orderkey, o_custkey FROM tpch.orders ORDER BY 1 DESC LIMIT 1000)) t JOIN tpch.nation ON t.k = n_nationkey;

SELECT count(*), sum(t.id) FROM (SELECT DISTINCT ON (o_orderkey / 5) o_orderkey AS id, o_custkey AS k FROM tpch.orders ORDER BY o_orderkey / 5, o_orderkey) t JOIN tpch.nation ON t.k = n_nationkey;

SELECT count(*), sum(t.id) FROM (SELECT DISTINCT ON (o_orderkey / 5) o_orderkey AS id, o_custkey AS k FROM tpch.orders ORDER BY o_orderkey / 5, o_orderkey DESC) t WHERE t.k IN (SELECT n_nationkey FROM tpch.nation);

SELECT count(*), sum(t.id) FROM (SELECT DISTINCT id, k FROM (SELECT o_orderkey AS id, o_custkey AS k FROM tpch.orders ORDER BY 1 LIMIT 1000) x) t JOIN tpch.nation ON t.k = n_nationkey;

SELECT t.k, t.m FROM (SELECT k, max(id) AS m FROM (SELECT o_orderkey AS id, o_custkey AS k FROM tpch.orders ORDER BY 1 LIMIT 1000) x GROUP BY k) t JOIN tpch.nation ON t.k = n_nationkey ORDER BY 1;

SELECT count(*), sum(t.id) FROM (SELECT o_orderkey AS id, o_custkey AS k, row_number() OVER (ORDER BY o_orderkey) AS n FROM tpch.orders) t JOIN tpch.nation ON t.k = n_nationkey WHERE t.n <= 1000;

SELECT count(*), sum(t.id) FROM (SELECT o_orderkey AS id, o_custkey AS k, row_number() OVER (PARTITION BY o_orderkey / 5 ORDER BY o_orderkey) AS n FROM tpch.orders) t JOIN tpch.nation ON t.k = n_nationkey WHERE t.n = 1;

SELECT count(*), sum(t.id) FROM (SELECT o_orderkey AS id, o_custkey AS k, rank() OVER (PARTITION BY o_orderkey / 5 ORDER BY o_orderkey DESC) AS n FROM tpch.orders) t WHERE t.n <= 1 AND t.k IN (SELECT n_nationkey FROM tpch.nation);

SELECT r_regionkey, count(*), sum(t.id) FROM tpch.region, LATERAL (SELECT o_orderkey AS id, o_custkey AS k FROM tpch.orders WHERE o_custkey > r_regionkey ORDER BY 1 LIMIT 1000) t JOIN tpch.nation ON t.k = n_nationkey GROUP BY 1 ORDER BY 1;

SELECT r_regionkey, count(*), sum(t.id) FROM tpch.region, LATERAL (SELECT DISTINCT ON (o_orderkey / 5) o_orderkey AS id, o_custkey AS k FROM tpch.orders WHERE o_custkey > r_regionkey ORDER BY o_orderkey / 5, o_orderkey) t JOIN tpch.nation ON t.k = n_nationkey GROUP BY 1 ORDER BY 1;

SELECT r_regionkey, (SELECT sum(t.id) FROM (SELECT o_orderkey AS id, o_custkey AS k FROM tpch.orders WHERE o_custkey > r_regionkey ORDER BY 1 LIMIT 1000) t JOIN tpch.nation ON t.k = n_nationkey) FROM tpch.region ORDER BY 1;

SELECT n_nationkey FROM tpch.nation WHERE EXISTS (SELECT 1 FROM (SELECT o_custkey AS k FROM tpch.orders ORDER BY o_orderkey LIMIT 100) t WHERE t.k = n_nationkey) ORDER BY 1;

SELECT t.id FROM (SELECT * FROM (SELECT o_orderkey AS id, o_custkey AS k FROM tpch.orders ORDER BY 2, 1 LIMIT 1000) x ORDER BY id DESC LIMIT 3) t ORDER BY 1;

SELECT t.id FROM (SELECT * FROM (SELECT DISTINCT ON (o_custkey) o_orderkey AS id, o_custkey AS k FROM tpch.orders ORDER BY 2, 1 DESC) x ORDER BY id LIMIT 3) t ORDER BY 1;

SELECT count(*), sum(t.id) FROM tpch.first_orders t JOIN tpch.nation ON t.k = n_nationkey;
