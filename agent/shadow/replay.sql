SELECT n, kind, lsn, seq, commit_time, xid, oid, version, op, row_before, row_after FROM %[1]s
WHERE n > CASE WHEN kind <= 3 THEN %[2]d ELSE %[3]d END
ORDER BY CASE WHEN kind < 3 THEN 0 WHEN kind = 3 THEN 1 ELSE 2 END, n
