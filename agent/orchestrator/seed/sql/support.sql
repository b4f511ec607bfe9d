-- Helpers of the build; the schema is dropped before the constraints are created.
CREATE SCHEMA foreshadow_seed;
SET search_path = foreshadow_seed, pg_catalog;
SET session_replication_role = replica;
SET synchronous_commit = off;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET client_min_messages = error;

-- The part of a unique text that carries its number: before the @ of an address, otherwise all of it.
CREATE FUNCTION numbered(v text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT CASE WHEN strpos(v, '@') > 1 THEN left(v, strpos(v, '@') - 1) ELSE v END $$;

-- The last run of digits in it, NULL when there is none or it is no counter.
CREATE FUNCTION number_in(v text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT AS
$$
DECLARE digits text := (regexp_match(foreshadow_seed.numbered(v), '(\d+)\D*$'))[1];
BEGIN
  RETURN CASE WHEN length(digits) <= 15 THEN digits::bigint END;
END
$$;

-- The same text with another number, as long as fits in room characters (0: any length). Different numbers give different texts.
CREATE FUNCTION renumber(v text, n bigint, room integer) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS
$$
DECLARE
  head text := foreshadow_seed.numbered(v);
  tail text := substr(v, length(head) + 1);
  m text[] := regexp_match(head, '^(.*\D|)(\d+)(\D*)$');
  digits text := n::text;
BEGIN
  IF m IS NULL THEN
    NULL;
  ELSIF length(m[2]) > 15 THEN
    head := head || '-';
  ELSE
    digits := lpad(digits, greatest(length(digits), length(m[2])), '0');
    head := m[1];
    tail := m[3] || tail;
  END IF;
  IF room > 0 AND length(head) + length(digits) + length(tail) > room THEN
    digits := n::text;
    head := left(head, greatest(0, room - length(digits) - length(tail)));
    IF length(head) + length(digits) + length(tail) > room THEN
      tail := left(tail, greatest(0, room - length(digits)));
    END IF;
    IF length(digits) > room THEN
      RAISE EXCEPTION USING ERRCODE = '22003', MESSAGE = format('no unique value of %s characters is left', room);
    END IF;
  END IF;
  RETURN head || digits || tail;
END
$$;
