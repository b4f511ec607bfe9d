WITH expected AS (
  SELECT oid, bucket, max(run_id) AS run_id, arg_max(expected, run_id) AS expected, arg_max(lo, run_id) AS lo, arg_max(hi, run_id) AS hi
  FROM expectations GROUP BY oid, bucket
), counted AS (
  SELECT e.oid, e.bucket, e.run_id,
    abs(count(*) - e.expected) / greatest((e.hi - e.lo) / 3.92, sqrt(greatest(e.expected, 0)), 1) AS surprise
  FROM log l JOIN expected e ON e.oid = l.oid AND e.bucket = time_bucket(INTERVAL '1 minute', l.commit_time)
  GROUP BY e.oid, e.bucket, e.run_id, e.expected, e.lo, e.hi
)
SELECT l.commit_time, l.lsn, l.seq, l.xid, s.relation, ['insert', 'update', 'delete', 'truncate', 'message', 'ddl'][l.op] AS transaction_type,
  l.pk AS primary_key, l.before, l.after, l.unknown AS unknown_columns, l.version AS schema_version, c.run_id AS forecast_run, c.surprise
FROM log l LEFT JOIN shapes s ON s.oid = l.oid AND s.version = l.version
LEFT JOIN counted c ON c.oid = l.oid AND c.bucket = time_bucket(INTERVAL '1 minute', l.commit_time)
WHERE l.oid IN (/*readable*/)
