SELECT c.relfilenode = f.file, coalesce(f.file, 0)::int8, f.pages, coalesce(pg_table_size(c.oid), 0) / greatest(f.pages, 1),
  CASE WHEN c.relpages > 0 THEN greatest(c.reltuples, 0)::float8 * f.pages / c.relpages ELSE 0 END::int8
FROM pg_class c, LATERAL (SELECT pg_relation_filenode(c.oid) AS file,
  coalesce(pg_relation_size(c.oid), 0) / current_setting('block_size')::int8 AS pages) f
WHERE c.oid = $1
