SELECT CASE WHEN kind < 3 THEN 0 WHEN kind = 3 THEN 1 ELSE 2 END AS class, n, coalesce(octet_length(row_before), 0) + coalesce(octet_length(row_after), 0) FROM %[1]s
WHERE n > CASE WHEN kind <= 3 THEN %[2]d ELSE %[3]d END
ORDER BY class, n
