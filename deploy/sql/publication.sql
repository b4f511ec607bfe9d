-- The publications that the agent reads, for sites where the agent's role may not create them.
-- Run as the owner of the tables. Tables without a replica identity are published for inserts only:
-- publishing their updates would make the application's UPDATE and DELETE fail on the primary.
SELECT 'CREATE PUBLICATION foreshadow' WHERE NOT EXISTS (SELECT FROM pg_publication WHERE pubname = 'foreshadow') \gexec
SELECT 'CREATE PUBLICATION foreshadow_inserts WITH (publish = ''insert, truncate'')' WHERE NOT EXISTS (SELECT FROM pg_publication WHERE pubname = 'foreshadow_inserts') \gexec
SELECT format('ALTER PUBLICATION %I ADD TABLE %I.%I',
         CASE WHEN c.relreplident = 'f' OR EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND (i.indisprimary OR i.indisreplident))
              THEN 'foreshadow' ELSE 'foreshadow_inserts' END, n.nspname, c.relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND NOT c.relispartition
   AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_%'
   AND NOT EXISTS (SELECT FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
                    WHERE r.prrelid = c.oid AND p.pubname IN ('foreshadow', 'foreshadow_inserts')) \gexec
