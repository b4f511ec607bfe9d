-- The tables of a publication, by themselves or as partitions of one that is named in it. The key is another one whenever a table may have been out of it.
WITH rel AS (
  SELECT r.prrelid, format('%s/%s/%s', p.oid, p.xmin, r.oid) AS key, coalesce(to_jsonb(r) ->> 'prqual', to_jsonb(r) ->> 'prattrs') IS NULL AS whole
  FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid WHERE p.pubname = $1
)
SELECT prrelid::int8, key, whole, true FROM rel
UNION ALL
SELECT c.oid::int8, rel.key, rel.whole, false
FROM pg_class c CROSS JOIN LATERAL pg_partition_ancestors(c.oid) a JOIN rel ON rel.prrelid = a.relid
WHERE c.relispartition AND c.relkind = 'r' AND a.relid <> c.oid AND c.oid NOT IN (SELECT prrelid FROM rel)
