-- The role that the agent uses on the throw-away primary, which is reached over its own socket only and asks for no password.
-- On a real primary take deploy/sql/role.sql and publication.sql. Being a member of shop_owner lets the agent publish the shop's
-- tables, those of today and those that are created while it runs.
CREATE ROLE foreshadow LOGIN REPLICATION;
GRANT pg_monitor, pg_read_all_data, shop_owner TO foreshadow;
SELECT set_config('shop.grant', format('GRANT CONNECT, CREATE ON DATABASE %I TO foreshadow', current_database()), false);
DO $$ BEGIN EXECUTE current_setting('shop.grant'); END $$;
