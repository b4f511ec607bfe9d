WITH actual AS (
  SELECT oid, time_bucket(INTERVAL '1 minute', commit_time) AS bucket, count(*) FILTER (op = 1) AS inserts, count(*) FILTER (op = 2) AS updates,
    count(*) FILTER (op = 3) AS deletes, sum(bytes)::BIGINT AS bytes, count(*) AS n
  FROM log WHERE oid IN (/*readable*/) GROUP BY oid, bucket
), expected AS (
  SELECT oid, bucket, max(run_id) AS run_id, arg_max(expected, run_id) AS expected, arg_max(lo, run_id) AS lo, arg_max(hi, run_id) AS hi
  FROM expectations WHERE oid IN (/*readable*/) AND bucket <= (SELECT time_bucket(INTERVAL '1 minute', max(commit_time)) FROM log)
  GROUP BY oid, bucket
), names AS (SELECT oid, arg_max(relation, version) AS relation FROM shapes GROUP BY oid)
SELECT names.relation, coalesce(a.bucket, e.bucket) AS bucket, coalesce(a.inserts, 0) AS inserts, coalesce(a.updates, 0) AS updates,
  coalesce(a.deletes, 0) AS deletes, coalesce(a.bytes, 0) AS bytes, e.run_id AS forecast_run, e.expected, e.lo, e.hi,
  abs(coalesce(a.n, 0) - e.expected) / greatest((e.hi - e.lo) / 3.92, sqrt(greatest(e.expected, 0)), 1) AS surprise
FROM actual a FULL JOIN expected e ON e.oid = a.oid AND e.bucket = a.bucket
JOIN names ON names.oid = coalesce(a.oid, e.oid)
