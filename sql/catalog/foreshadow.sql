-- Approvers who are nobody on the primary read as this role, which has no grant but those on schema foreshadow.
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'foreshadow_approver') THEN CREATE ROLE foreshadow_approver LOGIN; END IF;
END $$;

CREATE SCHEMA foreshadow;
COMMENT ON SCHEMA foreshadow IS 'History, forecasts, governance and predictive instances of this source';
GRANT USAGE ON SCHEMA foreshadow TO PUBLIC;

-- The temporal shadow

CREATE TABLE foreshadow.change_log (
  commit_time timestamptz, lsn pg_lsn, seq bigint, xid bigint, relation text, transaction_type text,
  primary_key jsonb, before jsonb, after jsonb, unknown_columns text, schema_version integer,
  forecast_run bigint, surprise double precision);
COMMENT ON TABLE foreshadow.change_log IS 'Every committed change since capture began, in commit order; logical messages (transaction_type message, ddl) for logins that may read every table';
COMMENT ON COLUMN foreshadow.change_log.lsn IS 'Position of the commit in the primary''s write-ahead log';
COMMENT ON COLUMN foreshadow.change_log.commit_time IS 'By the primary''s clock; NULL, as xid is, for a message outside a transaction';
COMMENT ON COLUMN foreshadow.change_log.primary_key IS 'The columns of the replica identity; of a table whose rows are sent whole, those of its primary key, NULL without one';
COMMENT ON COLUMN foreshadow.change_log.before IS 'The old row as far as the primary sent it: all of it under REPLICA IDENTITY FULL, otherwise the key where it changed';
COMMENT ON COLUMN foreshadow.change_log.unknown_columns IS 'Names of columns whose large value was not sent and is not known, comma-separated; NULL when all are known';
COMMENT ON COLUMN foreshadow.change_log.surprise IS 'How far the change''s time bucket lay from its forecast, in standard deviations';

CREATE TABLE foreshadow.change_profile (
  relation text, bucket timestamptz, inserts bigint, updates bigint, deletes bigint, bytes bigint,
  forecast_run bigint, expected double precision, lo double precision, hi double precision, surprise double precision);
COMMENT ON TABLE foreshadow.change_profile IS 'Changes of each table by minute, with what the forecast in force expected';

CREATE TABLE foreshadow.capture_status (
  source text, state text, slot text, received_lsn pg_lsn, confirmed_lsn pg_lsn, sealed_lsn pg_lsn, sealed_at timestamptz,
  last_commit_time timestamptz, lag_ms double precision, changes bigint, transactions bigint, retained_bytes bigint, message text, verified_at timestamptz, verified_lsn pg_lsn);
COMMENT ON TABLE foreshadow.capture_status IS 'Where capture stands, one row per source; only what is sealed, in segments beside the database file, is confirmed; retained_bytes is the log that the primary keeps for it';
COMMENT ON COLUMN foreshadow.capture_status.verified_at IS 'When all tables were last compared with the primary, since the agent started; message names those that differ';
COMMENT ON COLUMN foreshadow.capture_status.verified_lsn IS 'The primary''s position at the beginning of that comparison';

CREATE TABLE foreshadow.capture_gaps (
  source text, relation text, from_lsn pg_lsn, to_lsn pg_lsn, noticed_at timestamptz, reason text);
COMMENT ON TABLE foreshadow.capture_gaps IS 'Stretches of the log that could not be captured and, with a relation, in which its rows are not known; and why';

CREATE TABLE foreshadow.tables (
  relation text, oid oid, schema_version integer, replica_identity text, rows bigint, versions bigint, folded_lsn pg_lsn, note text);
COMMENT ON TABLE foreshadow.tables IS 'The captured tables';

-- Forecasts

CREATE TABLE foreshadow.series (
  series text, kind text, object text, measure text, unit text, source text, step interval,
  points bigint, first_at timestamptz, last_at timestamptz, last_value double precision, description text);
COMMENT ON TABLE foreshadow.series IS 'Every measured series: volumes, load, host, changes';

CREATE TABLE foreshadow.series_points (series text, at timestamptz, value double precision);
COMMENT ON TABLE foreshadow.series_points IS 'The measured values of every series';

CREATE TABLE foreshadow.volume_forecast (
  run_id bigint, relation text, measure text, at timestamptz, p10 double precision, p50 double precision, p90 double precision,
  model text, trained_from timestamptz, trained_to timestamptz, backtest_origins integer, mase double precision, skill double precision, coverage double precision, flag text);
COMMENT ON TABLE foreshadow.volume_forecast IS 'Expected rows and bytes of each table, with the backtest that chose the model; flag says where the model adds nothing';

CREATE TABLE foreshadow.load_forecast (
  run_id bigint, series text, query text, measure text, at timestamptz, mean double precision, lo double precision, hi double precision, level double precision,
  model text, trained_from timestamptz, trained_to timestamptz, backtest_origins integer, mase double precision, skill double precision, coverage double precision, flag text);
COMMENT ON TABLE foreshadow.load_forecast IS 'Expected query load and host load, with the backtest that chose the model; flag says where the model adds nothing';

CREATE TABLE foreshadow.load_by_hour_of_week (
  series text, object text, measure text, unit text, day_of_week integer, hour_of_day integer,
  mean double precision, p50 double precision, p90 double precision, hours bigint);
COMMENT ON TABLE foreshadow.load_by_hour_of_week IS 'The usual load of statements, users, applications, database and host in each hour of the week, in UTC';
COMMENT ON COLUMN foreshadow.load_by_hour_of_week.day_of_week IS '1 is Monday';
COMMENT ON COLUMN foreshadow.load_by_hour_of_week.hours IS 'How many such hours were measured';

CREATE TABLE foreshadow.limits_forecast (
  run_id bigint, limit_kind text, object text, current_value double precision, max_value double precision, unit text,
  p10 timestamptz, p50 timestamptz, p90 timestamptz, note text,
  model text, trained_from timestamptz, trained_to timestamptz, backtest_origins integer, mase double precision, skill double precision, coverage double precision, flag text);
COMMENT ON TABLE foreshadow.limits_forecast IS 'When limits will be reached; p10 is the early date; flag says where the model adds nothing';
COMMENT ON COLUMN foreshadow.limits_forecast.limit_kind IS 'integer_key, sequence, transaction_ids, multixacts, disk, connections, table_size, toast_size, toast_values, partition_range; of columns text_length, integer_range, numeric_range, check_bound, not_null';
COMMENT ON COLUMN foreshadow.limits_forecast.note IS 'Such as: no limit in sight';

CREATE TABLE foreshadow.schema_changes (at timestamptz, relation text, kind text, object text, source text);
COMMENT ON TABLE foreshadow.schema_changes IS 'The changes of tables'' schemas that are known: captured since the agent began, or imported';
COMMENT ON COLUMN foreshadow.schema_changes.relation IS 'The table''s name after the change';
COMMENT ON COLUMN foreshadow.schema_changes.object IS 'The column, index or constraint, or the table''s former name';

CREATE TABLE foreshadow.schema_forecast (
  run_id bigint, relation text, what text, p10 timestamptz, p50 timestamptz, p90 timestamptz, probability double precision, within interval, because text,
  model text, trained_from timestamptz, trained_to timestamptz, backtest_origins integer, skill double precision, flag text);
COMMENT ON TABLE foreshadow.schema_forecast IS 'How likely each table''s schema is to change, and when; limits that will force a change are joined in';
COMMENT ON COLUMN foreshadow.schema_forecast.what IS 'any change, or a kind of change';
COMMENT ON COLUMN foreshadow.schema_forecast.p10 IS 'The early date: one chance in ten that it comes sooner; NULL beyond the horizon of limits';
COMMENT ON COLUMN foreshadow.schema_forecast.probability IS 'That at least one such change comes within the span of time in column within';
COMMENT ON COLUMN foreshadow.schema_forecast.skill IS '1 - Brier score / that of the constant, at the schema''s own earlier quarters; NULL while they are too few';

CREATE TABLE foreshadow.forecast_runs (
  run_id bigint, started_at timestamptz, horizon interval, model_version bigint, series text, model text,
  trained_from timestamptz, trained_to timestamptz, backtest_origins integer, mase double precision, skill double precision, coverage double precision,
  parameters jsonb, flag text);
COMMENT ON TABLE foreshadow.forecast_runs IS 'Each series of each run with the model chosen, its backtest and the parameters in force; flag says where the model adds nothing';

CREATE TABLE foreshadow.forecast_errors (
  run_id bigint, model_version bigint, series text, kind text, object text, measure text, unit text, model text, trained_from timestamptz, trained_to timestamptz,
  started_at timestamptz, at timestamptz, lead interval, mean double precision, lo double precision, hi double precision, level double precision,
  actual double precision, naive double precision, error double precision, naive_error double precision, inside boolean);
COMMENT ON TABLE foreshadow.forecast_errors IS 'Every forecast whose time has come, beside what happened and what the seasonal naive of that run would have said';

CREATE TABLE foreshadow.forecast_accuracy (
  series text, kind text, object text, measure text, unit text, horizon interval, runs bigint, first_run timestamptz, last_run timestamptz,
  models text, points bigint, error double precision, naive_error double precision, bias double precision, smape double precision,
  skill double precision, level double precision, coverage double precision, flag text);
COMMENT ON TABLE foreshadow.forecast_accuracy IS 'How past runs did, for each series and horizon';
COMMENT ON COLUMN foreshadow.forecast_accuracy.horizon IS 'Points up to so far ahead, and beyond the horizon before it';
COMMENT ON COLUMN foreshadow.forecast_accuracy.error IS 'Mean absolute error, in the series'' unit';
COMMENT ON COLUMN foreshadow.forecast_accuracy.skill IS '1 - error / naive_error; at or below zero, flagged, the model adds nothing to the same hour of the day before or, for volumes, the last level';
COMMENT ON COLUMN foreshadow.forecast_accuracy.coverage IS 'Share of the points inside their intervals, which promise level, in percent';

CREATE TABLE foreshadow.models (model text, description text, version bigint, parameter text, value text, initialized boolean, active boolean);
COMMENT ON TABLE foreshadow.models IS 'The parameters in force; changed by ALTER PREDICTIVE MODEL';

-- Governance

CREATE TABLE foreshadow.requests (
  request_id bigint, state text, kind text, target text, statement text, proposer text, proposed_at timestamptz, expires_at timestamptz,
  hash text, plan jsonb, missing text, fence bigint, message text);
COMMENT ON TABLE foreshadow.requests IS 'Every request; a governed one needs an approval from each account';

CREATE TABLE foreshadow.approvals (request_id bigint, account text, member text, hash text, approved_at timestamptz, revoked boolean);
COMMENT ON TABLE foreshadow.approvals IS 'Approvals given, with the hash they were given on';

CREATE TABLE foreshadow.accounts (account text, epoch bigint, members bigint);
CREATE TABLE foreshadow.members (account text, member text, person text);
CREATE TABLE foreshadow.audit_log (seq bigint, at timestamptz, actor text, action text, request_id bigint, detail text, prev_hash text, hash text);
COMMENT ON TABLE foreshadow.audit_log IS 'Every transition of governance; each entry''s hash covers the one before';
CREATE TABLE foreshadow.cluster_members (agent text, address text, voter boolean, leader boolean, self boolean, applied_index bigint);

-- Instances

CREATE TABLE foreshadow.instances (
  name text, state text, source text, fidelity text, horizon timestamptz, as_of_lsn pg_lsn, request_id bigint, size_bytes bigint, max_size bigint,
  created_at timestamptz, expires_at timestamptz, message text);
COMMENT ON TABLE foreshadow.instances IS 'Predictive instances; connect to one by its name as database';
CREATE TABLE foreshadow.operations (
  operation text, object text, phase text, done bigint, total bigint, unit text, percent double precision,
  started_at timestamptz, updated_at timestamptz, eta interval, message text);
COMMENT ON TABLE foreshadow.operations IS 'Long work under way or lately ended: initial copies, instance builds';
CREATE TABLE foreshadow.instance_reports (
  name text, relation text, source_rows bigint, projected_rows bigint, actual_rows bigint, size_bytes bigint, check_name text, result text);
COMMENT ON TABLE foreshadow.instance_reports IS 'How true each instance is to its forecast';
CREATE TABLE foreshadow.settings (name text, value text, source text);
COMMENT ON TABLE foreshadow.settings IS 'The agent''s settings and where each came from';

-- Functions: the agent computes them; the bodies here only give PostgreSQL their shape.

CREATE FUNCTION foreshadow.predicted_state(horizon interval)
  RETURNS TABLE (relation text, measure text, now double precision, p10 double precision, p50 double precision, p90 double precision)
  LANGUAGE sql AS 'SELECT NULL::text, NULL::text, NULL::float8, NULL::float8, NULL::float8, NULL::float8 WHERE false';
COMMENT ON FUNCTION foreshadow.predicted_state(interval) IS 'The expected volume of each table at a horizon, and the seconds for which likely schema changes would hold clients up';
CREATE FUNCTION foreshadow.forecast(series text, horizon interval, level double precision DEFAULT 95)
  RETURNS TABLE (at timestamptz, mean double precision, lo double precision, hi double precision, model text, run_id bigint,
    trained_from timestamptz, trained_to timestamptz, backtest_origins integer, mase double precision, skill double precision, coverage double precision)
  LANGUAGE sql AS 'SELECT NULL::timestamptz, NULL::float8, NULL::float8, NULL::float8, NULL::text, NULL::bigint, NULL::timestamptz, NULL::timestamptz, NULL::int,
    NULL::float8, NULL::float8, NULL::float8 WHERE false';
COMMENT ON FUNCTION foreshadow.forecast(text, interval, double precision) IS 'Forecast of one series at any horizon and level';
CREATE FUNCTION foreshadow.chart(series text, horizon interval DEFAULT '30 days', width integer DEFAULT 100, height integer DEFAULT 20)
  RETURNS TABLE (chart text) LANGUAGE sql AS 'SELECT NULL::text WHERE false';
COMMENT ON FUNCTION foreshadow.chart(text, interval, integer, integer) IS 'History, median and interval of a series, drawn for a terminal';
CREATE FUNCTION foreshadow.assess_ddl(sql text, horizon interval DEFAULT NULL)
  RETURNS TABLE (statement integer, command text, relation text, lock text, blocks text, work text, rows double precision, bytes double precision,
    hold_p10 double precision, hold_p50 double precision, hold_p90 double precision, wait double precision, conflicting double precision, queued double precision,
    disk_bytes double precision, wal_bytes double precision, replica_lag double precision, breaks text, verdict text, because text,
    changes_on timestamptz, changes_early timestamptz, becomes text, best_hour timestamptz, safer text)
  LANGUAGE sql AS 'SELECT NULL::int, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::float8, NULL::float8,
    NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::text, NULL::text, NULL::text,
    NULL::timestamptz, NULL::timestamptz, NULL::text, NULL::timestamptz, NULL::text WHERE false';
COMMENT ON FUNCTION foreshadow.assess_ddl(text, interval) IS 'What schema changes would do: locks, work, seconds, load held up, disk, verdict, and when the verdict changes; a row for each relation';
CREATE FUNCTION foreshadow.low_load_windows(duration interval DEFAULT '1 hour', series text DEFAULT 'load.total_time_ms')
  RETURNS TABLE (window_start timestamptz, window_end timestamptz, expected double precision, day_mean double precision, hit_rate double precision, tested integer)
  LANGUAGE sql AS 'SELECT NULL::timestamptz, NULL::timestamptz, NULL::float8, NULL::float8, NULL::float8, NULL::int WHERE false';
COMMENT ON FUNCTION foreshadow.low_load_windows(interval, text) IS 'The stretch with the least load expected on each of the next seven days; hit_rate is how often it was one with at most a tenth of the day''s mean more than the least, on days as far ahead of earlier moments';
CREATE FUNCTION foreshadow.diff(relation text, t1 text, t2 text)
  RETURNS TABLE (change text, primary_key jsonb, before jsonb, after jsonb, changed_columns text[])
  LANGUAGE sql AS 'SELECT NULL::text, NULL::jsonb, NULL::jsonb, NULL::jsonb, NULL::text[] WHERE false';
CREATE FUNCTION foreshadow.diff(relation text, t1 timestamptz, t2 timestamptz)
  RETURNS TABLE (change text, primary_key jsonb, before jsonb, after jsonb, changed_columns text[])
  LANGUAGE sql AS 'SELECT NULL::text, NULL::jsonb, NULL::jsonb, NULL::jsonb, NULL::text[] WHERE false';
CREATE FUNCTION foreshadow.diff(relation text, t1 pg_lsn, t2 pg_lsn)
  RETURNS TABLE (change text, primary_key jsonb, before jsonb, after jsonb, changed_columns text[])
  LANGUAGE sql AS 'SELECT NULL::text, NULL::jsonb, NULL::jsonb, NULL::jsonb, NULL::text[] WHERE false';
COMMENT ON FUNCTION foreshadow.diff(text, text, text) IS 'What differs in a table between two moments, each a time or a position: a row for each key';

GRANT SELECT ON ALL TABLES IN SCHEMA foreshadow TO PUBLIC;
