-- How often rows of the catalogs were written, from counters that PostgreSQL keeps anyway: no table is read.
SELECT coalesce(sum(pg_catalog.pg_stat_get_tuples_inserted(c) + pg_catalog.pg_stat_get_tuples_updated(c) + pg_catalog.pg_stat_get_tuples_deleted(c)), 0)::bigint
FROM pg_catalog.unnest('{pg_catalog.pg_class,pg_catalog.pg_attribute,pg_catalog.pg_constraint,pg_catalog.pg_proc,pg_catalog.pg_type,pg_catalog.pg_namespace,
  pg_catalog.pg_authid,pg_catalog.pg_auth_members,pg_catalog.pg_rewrite,pg_catalog.pg_policy,pg_catalog.pg_trigger,pg_catalog.pg_description,
  pg_catalog.pg_enum,pg_catalog.pg_attrdef,pg_catalog.pg_default_acl,pg_catalog.pg_index,pg_catalog.pg_extension,pg_catalog.pg_statistic_ext,
  pg_catalog.pg_operator,pg_catalog.pg_opclass,pg_catalog.pg_opfamily,pg_catalog.pg_cast,pg_catalog.pg_collation,pg_catalog.pg_language,pg_catalog.pg_ts_config,
  pg_catalog.pg_ts_config_map,pg_catalog.pg_ts_dict,pg_catalog.pg_foreign_data_wrapper,pg_catalog.pg_foreign_server}'::pg_catalog.regclass[]) c
