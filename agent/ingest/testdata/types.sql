CREATE EXTENSION IF NOT EXISTS hstore;
CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'happy');
CREATE DOMAIN positive AS integer CHECK (value > 0);
CREATE TYPE pair AS (a integer, b text);
CREATE TABLE kinds (
  id serial PRIMARY KEY, b boolean, i2 smallint, i4 integer, i8 bigint, f4 real, f8 double precision,
  num numeric, num2 numeric(10,2), num18 numeric(18,6), num38 numeric(38,10), numbig numeric(50,5), numneg numeric(5,-2), t text, v varchar(10), c char(5), bin bytea,
  d date, ts timestamp, tz timestamptz, ts0 timestamp(0), far timestamp, tm time, tmz timetz, iv interval, u uuid, j json, jb jsonb,
  ia integer[], ta text[], m mood, p positive, r int4range, tr tstzrange, ip inet, net cidr, mac macaddr, bits bit(4), vbits varbit, money money,
  h hstore, tsv tsvector, x xml, pt point, o oid, lsn pg_lsn, comp pair, "na""me" name, gen integer GENERATED ALWAYS AS (7) STORED);
