-- Unique indexes of whole tables with all columns that they look at, also inside expressions; exclusion constraints likewise.
SELECT i.indrelid, ic.relname, i.indisprimary, i.indisexclusion, coalesce(pg_get_expr(i.indpred, i.indrelid), '') AS predicate,
       coalesce(nullif(i.indexprs IS NOT NULL, false), false) AS expression,
       (SELECT array_agg(DISTINCT a.attname::text ORDER BY a.attname::text) FROM pg_attribute a
        WHERE a.attrelid = i.indrelid AND a.attnum > 0
          AND (a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
            OR (i.indexprs IS NOT NULL AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                 AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum)))) AS columns
FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid
WHERE (i.indisunique OR i.indisexclusion) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY i.indrelid, i.indisprimary DESC, ic.relname
