-- Ten versions of a million keys, as 90 transactions of 100,000 updates in scattered order leave them after folding: history in the order in
-- which versions ended. made(id, v) is the commit that made a version.
CREATE TEMP MACRO made(id, v) AS CASE WHEN v = 0 THEN 100 ELSE 200 + 100 * (10 * (v - 1) + (id::BIGINT * 7919 % 1000000) // 100000) END;
INSERT INTO h9_1 SELECT c0, c1 + v, c2, c3, made(c0, v), made(c0, v + 1) FROM b9_1, range(9) AS r(v) ORDER BY made(c0, v + 1);
CREATE TEMP TABLE current AS SELECT c0, c1 + 9 AS c1, c2, c3, made(c0, 9) AS lo FROM b9_1;
DELETE FROM b9_1;
INSERT INTO b9_1 FROM current;
INSERT INTO log (lsn, seq, commit_time, xid, oid, version, op, bytes)
  SELECT made(id, v) AS lsn, id, TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_minutes((made(id, v) - 100) // 100), 1, 9, 1, 2, 0
  FROM range(1000000) AS i(id), range(1, 10) AS r(v) ORDER BY lsn;
