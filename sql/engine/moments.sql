SELECT nullif(pg_catalog.current_setting('foreshadow.as_of', true), ''), pg_catalog.array_to_json(pg_catalog.current_schemas(true))::text,
  pg_catalog.json_build_array(current_user, pg_catalog.pg_postmaster_start_time(), pg_catalog.current_schemas(true), extract(timezone FROM pg_catalog.now()),
    pg_catalog.current_setting('TimeZone'), pg_catalog.current_setting('DateStyle'), pg_catalog.current_setting('IntervalStyle'),
    pg_catalog.current_setting('lc_monetary'), pg_catalog.current_setting('lc_time'), pg_catalog.current_setting('array_nulls'),
    pg_catalog.current_setting('transform_null_equals'), pg_catalog.current_setting('standard_conforming_strings'),
    pg_catalog.current_setting('backslash_quote'), pg_catalog.current_setting('xmloption'), pg_catalog.current_setting('row_security'),
    pg_catalog.current_setting('default_text_search_config'), pg_catalog.current_setting('timezone_abbreviations'), pg_catalog.current_setting('bytea_output'),
    pg_catalog.current_setting('extra_float_digits'))::text
