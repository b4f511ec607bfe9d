SELECT g.rolname, m.rolname, bool_or(a.admin_option)
FROM pg_catalog.pg_auth_members a JOIN pg_catalog.pg_roles g ON g.oid = a.roleid JOIN pg_catalog.pg_roles m ON m.oid = a.member
WHERE m.rolname NOT LIKE 'pg\_%'
GROUP BY 1, 2 ORDER BY 1, 2
