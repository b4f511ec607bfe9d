-- How a publication is made, and the schemas in it, which are found by what they depend on, because their own catalog is missing before PostgreSQL 15.
SELECT p.puballtables, NOT p.pubviaroot AND concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
    CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END) = $2,
  (SELECT coalesce(array_agg(n.nspname::text), '{}') FROM pg_depend d JOIN pg_depend s USING (classid, objid) JOIN pg_namespace n ON n.oid = s.refobjid
    WHERE d.classid = to_regclass('pg_catalog.pg_publication_namespace') AND d.refclassid = 'pg_publication'::regclass AND d.refobjid = p.oid
    AND s.refclassid = 'pg_namespace'::regclass)
FROM pg_publication p WHERE p.pubname = $1
