CREATE TABLE IF NOT EXISTS meta (key VARCHAR, value VARCHAR);
CREATE TABLE IF NOT EXISTS position (commit_lsn UBIGINT, end_lsn UBIGINT, commit_time TIMESTAMPTZ, folded_lsn UBIGINT, changes BIGINT, transactions BIGINT,
  looked_lsn UBIGINT, looked_time TIMESTAMPTZ, n BIGINT, folded_n BIGINT, proof_lsn UBIGINT);
CREATE TABLE IF NOT EXISTS tables (oid UINTEGER, state VARCHAR, n BIGINT);
CREATE TABLE IF NOT EXISTS shapes (oid UINTEGER, version INTEGER, relation VARCHAR, columns VARCHAR);
CREATE TABLE IF NOT EXISTS log (
  lsn UBIGINT, seq BIGINT, commit_time TIMESTAMPTZ, xid BIGINT, oid UINTEGER, version INTEGER, op UTINYINT,
  pk VARCHAR, before VARCHAR, after VARCHAR, unknown VARCHAR, bytes BIGINT);
CREATE TABLE IF NOT EXISTS journal (
  n BIGINT, kind UTINYINT, lsn UBIGINT, seq BIGINT, commit_time TIMESTAMPTZ, xid UINTEGER, oid UINTEGER, version INTEGER, op UTINYINT,
  row_before BLOB, row_after BLOB);
CREATE TABLE IF NOT EXISTS aside (n BIGINT, kind UTINYINT, data BLOB);
CREATE TABLE IF NOT EXISTS copies (oid UINTEGER, state VARCHAR);
CREATE TABLE IF NOT EXISTS copied (oid UINTEGER, file UINTEGER, first UINTEGER, past UINTEGER);
CREATE TABLE IF NOT EXISTS gaps (source VARCHAR, relation VARCHAR, from_lsn UBIGINT, to_lsn UBIGINT, noticed_at TIMESTAMPTZ, reason VARCHAR);
CREATE TABLE IF NOT EXISTS pins (name VARCHAR, lsn UBIGINT, moment TIMESTAMPTZ);
CREATE TABLE IF NOT EXISTS series (
  id VARCHAR, kind VARCHAR, object VARCHAR, measure VARCHAR, unit VARCHAR, source VARCHAR, text VARCHAR, step_us BIGINT);
CREATE TABLE IF NOT EXISTS points (id VARCHAR, ts TIMESTAMPTZ, value DOUBLE);
CREATE TABLE IF NOT EXISTS expectations (oid UINTEGER, bucket TIMESTAMPTZ, run_id BIGINT, expected DOUBLE, lo DOUBLE, hi DOUBLE);
CREATE TABLE IF NOT EXISTS runs (run_id BIGINT, started_at TIMESTAMPTZ, horizon_us BIGINT, model_version BIGINT);
CREATE TABLE IF NOT EXISTS run_series (
  run_id BIGINT, n INTEGER, id VARCHAR, kind VARCHAR, object VARCHAR, measure VARCHAR, unit VARCHAR, source VARCHAR, text VARCHAR, step_us BIGINT,
  start_at TIMESTAMPTZ, model VARCHAR, level DOUBLE, trained_from TIMESTAMPTZ, trained_to TIMESTAMPTZ,
  origins INTEGER, mase DOUBLE, skill DOUBLE, coverage DOUBLE);
CREATE TABLE IF NOT EXISTS run_points (run_id BIGINT, n INTEGER, ts TIMESTAMPTZ, mean DOUBLE, lo DOUBLE, hi DOUBLE);
CREATE TABLE IF NOT EXISTS run_limits (
  run_id BIGINT, kind VARCHAR, object VARCHAR, current_value DOUBLE, max_value DOUBLE, unit VARCHAR,
  p10 TIMESTAMPTZ, p50 TIMESTAMPTZ, p90 TIMESTAMPTZ, note VARCHAR);
