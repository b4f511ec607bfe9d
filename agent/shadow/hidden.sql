SELECT DISTINCT lsn FROM log
WHERE oid = $1 AND lsn <= $2 AND commit_time > (SELECT commit_time - INTERVAL 1 HOUR FROM position)
  AND ((xid - $3 + 8589934592) % 4294967296 < 2147483648 OR list_contains(/*running*/, xid))
ORDER BY lsn
