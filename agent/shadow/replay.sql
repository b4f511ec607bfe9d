SELECT *, CASE WHEN kind < 3 THEN 0 WHEN kind = 3 THEN 1 ELSE 2 END AS class FROM %[1]s
WHERE n > CASE WHEN kind <= 3 THEN %[2]d ELSE %[3]d END
