SELECT n, kind, lsn, seq, commit_time, xid, oid, version, op, row_before, row_after FROM %[1]s
WHERE n > CASE WHEN kind <= 3 THEN %[2]d ELSE %[3]d END AND n BETWEEN $1 AND $2 AND CASE WHEN kind < 3 THEN 0 WHEN kind = 3 THEN 1 ELSE 2 END = $3
ORDER BY n
