SELECT n, kind, lsn, seq, commit_time, xid, oid, version, op, row_before, row_after FROM journal WHERE n > %[1]d
UNION ALL BY NAME SELECT n, 3::UTINYINT AS kind, oid, encode(state) AS row_after FROM tables WHERE n > %[1]d
UNION ALL BY NAME SELECT n, kind, data AS row_after FROM aside WHERE n > %[2]d
