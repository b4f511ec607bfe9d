-- What each table takes, with all its partitions, indexes and large values.
SELECT coalesce(pg_partition_root(c.oid)::oid, c.oid), sum(pg_total_relation_size(c.oid))::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
GROUP BY 1
