-- Sizes need a lock that a table under ACCESS EXCLUSIVE would refuse, so such tables are left out of this round.
WITH t AS (
  SELECT c.oid, n.nspname || '.' || c.relname AS name, c.reltoastrelid, c.reltuples,
         coalesce(s.n_live_tup, 0) AS live, coalesce(s.n_dead_tup, 0) AS dead, coalesce(s.n_tup_ins, 0) AS ins, coalesce(s.n_tup_del, 0) AS del
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
   WHERE c.relkind = 'r' AND c.relpersistence = 'p'
     AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_%'
     AND NOT EXISTS (SELECT FROM pg_locks l WHERE l.relation = c.oid AND l.mode = 'AccessExclusiveLock' AND l.granted)
   ORDER BY c.relpages DESC, c.oid
   LIMIT $1)
SELECT name, pg_table_size(oid)::float8, coalesce(pg_indexes_size(oid), 0)::float8,
       CASE WHEN reltoastrelid = 0 THEN 0 ELSE coalesce(pg_total_relation_size(reltoastrelid), 0) END::float8,
       greatest(CASE WHEN live = 0 THEN reltuples ELSE live END, 0)::float8, dead::float8, ins::float8, del::float8
  FROM t
