-- How many keys and foreign keys each table has, and how many of them are not proven.
SELECT r.oid,
       (SELECT count(*) FROM pg_index i WHERE i.indrelid = r.oid AND i.indisunique),
       (SELECT count(*) FROM pg_index i WHERE i.indrelid = r.oid AND i.indisunique AND NOT i.indisvalid),
       (SELECT count(*) FROM pg_constraint k WHERE k.conrelid = r.oid AND k.contype = 'f'),
       (SELECT count(*) FROM pg_constraint k WHERE k.conrelid = r.oid AND k.contype = 'f' AND NOT k.convalidated)
FROM pg_class r
WHERE r.relkind IN ('r', 'p') AND NOT r.relispartition
