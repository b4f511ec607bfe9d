# The steps of the demo: what each shows, and what must be true for it to count. Read by scripts/demo.
# shellcheck shell=bash disable=SC2154

headline() { printf '\n\033[1m%s\033[0m\n' "$*"; }
explain() { printf '%s\n' "$*" | fold -s -w 118 | sed 's/^/  /'; }
measure() { measured+=("$(printf '%-58s %s' "$1" "$2")"); }
now_ms() { echo $(($(date +%s%N) / 1000000)); }

# fail NAME DETAIL ends the walk.
fail() { say ""; say "NOT AS PROMISED: $1"; [ -z "${2:-}" ] || say "  $2"; exit 1; }
# check NAME CONDITION... tests a condition of [ ].
check() { local name=$1; shift; if [ "$@" ]; then printf '  \033[32mok\033[0m %s\n' "$name"; else fail "$name" "[ $* ]"; fi; }

# as LOGIN DATABASE ARGS... runs the real psql through the agent.
as() { local user=$1 db=$2; shift 2; PGPASSFILE="$dir/pgpass" "$bin/psql" -X "host=127.0.0.1 port=$port dbname=$db user=$user sslmode=require" -v ON_ERROR_STOP=1 "$@"; }
# governed LOGIN SQL shows a governed statement's answer a line a column, its plan cut short: SHOW REQUEST n PLAN shows it whole.
governed() {
  local user=$1 option=(); shift
  for sql in "$@"; do option+=(-c "$sql"); printf '\n  \033[36mshop=> %s\033[0m\n' "$sql"; done
  as "$user" shop -x -P pager=off "${option[@]}" >"$dir/answer" || return 1
  cut -c1-116 "$dir/answer" | sed 's/^/  /'
}
# value LOGIN DATABASE SQL prints one bare result.
value() { as "$1" "$2" -At -c "$3"; }
# show LOGIN DATABASE SQL prints the statement and psql's own output; a failure of the statement ends the walk.
show() {
  printf '\n  \033[36m%s=> %s\033[0m\n' "$2" "$3"
  as "$1" "$2" -P pager=off -c "$3" 2>&1 | sed 's/^/  /'
}
# refused LOGIN DATABASE SQL PATTERN shows a statement that must fail with a message that matches.
refused() {
  local out
  printf '\n  \033[36m%s=> %s\033[0m\n' "$2" "$3"
  if out=$(as "$1" "$2" -c "$3" 2>&1); then fail "this must be refused: $3" "$out"; fi
  printf '%s\n' "$out" | sed 's/^/  /'
  grep -qiE "$4" <<<"$out" || fail "refused, but not with the right message: $3" "$out"
}
# on_primary SQL runs on the primary itself.
on_primary() { "$bin/psql" -X -At -v ON_ERROR_STOP=1 "$primary" -c "$1"; }
# until_true SECONDS NAME COMMAND... polls until the command succeeds.
until_true() {
  local limit=$1 name=$2 start; shift 2; start=$(now_ms)
  until "$@"; do
    [ $(($(now_ms) - start)) -lt $((limit * 1000)) ] || fail "$name, within $limit s"
    kill -0 "$agent" 2>/dev/null || fail "$name: the agent ended"
    sleep 0.2
  done
}

start_everything() {
  headline "Starting: a throw-away primary with a shop of more than a year, then an agent beside it"
  scripts/shop/history 4 >"$dir/history.csv"
  explain "Minutes of running cannot show weeks of load, so $(($(wc -l <"$dir/history.csv") - 1)) hourly points of load history are imported from a generated file. All else is real: the rows, the running load, and what is measured of them."
  bin/foreshadow dev --data-dir "$dir" --listen 127.0.0.1:0 --database shop --init scripts/shop/schema.sql,scripts/shop/data.sql,scripts/shop/constraints.sql,scripts/shop/foreshadow.sql \
    --history "$dir/history.csv" >"$dir/out" 2>"$dir/agent.log" &
  agent=$!
  until_true 180 "the primary starts and is filled" grep -q '^ran .*/foreshadow.sql' "$dir/out"
  primary=$(sed -n 's/^primary //p' "$dir/out")
  explain "$(on_primary "SELECT 'the primary holds ' || string_agg(format('%s %s', n, t), ', ') FROM (SELECT 'orders' t, count(*) n FROM orders UNION ALL SELECT 'order_items', count(*) FROM order_items UNION ALL SELECT 'events', count(*) FROM events UNION ALL SELECT 'customers', count(*) FROM customers UNION ALL SELECT 'products', count(*) FROM products) x")"
  PGHOST=$(sed 's/.*host=\([^ ]*\).*/\1/' <<<"$primary") PGPORT=$(sed 's/.*port=\([^ ]*\).*/\1/' <<<"$primary") PGBENCH="$bin/pgbench" scripts/shop/load shop >"$dir/load.log" 2>&1 &
  load=$!
}

step_capture() {
  headline "1. Capture: the initial copy, then every change within milliseconds"
  local copy_start; copy_start=$(date +%s%N)
  local seen=0 lines
  until grep -qx ready "$dir/out"; do
    kill -0 "$agent" 2>/dev/null || fail "the agent gets ready" "it ended"
    lines=$(grep -c '^copy' "$dir/out" || true)
    if [ "$lines" -gt "$seen" ]; then sed -n "$((seen + 1)),${lines}p" <(grep '^copy' "$dir/out") | sed 's/^/  /'; seen=$lines; fi
    [ $((($(date +%s%N) - copy_start) / 1000000000)) -lt 180 ] || fail "the initial copy ends within 180 s"
    sleep 0.2
  done
  measure "initial copy of the shop" "$(seconds "$copy_start") s"
  port=$(sed -n 's/^connect .*port=\([0-9]*\).*/\1/p' "$dir/out" | head -1)
  show analyst shop "SELECT source, state, slot, received_lsn, confirmed_lsn, round(lag_ms::numeric, 1) AS lag_ms, changes, transactions FROM foreshadow.capture_status"
  check "capture streams" "$(value analyst shop "SELECT state FROM foreshadow.capture_status")" = streaming
  explain "A row changed on the primary is looked for through the agent:"
  local start took=()
  for i in 1 2 3 4 5; do
    on_primary "UPDATE customers SET city = 'Atlantis $i' WHERE id = 1" >/dev/null
    start=$(now_ms)
    until [ "$(value analyst shop "SELECT city FROM customers WHERE id = 1")" = "Atlantis $i" ]; do
      [ $(($(now_ms) - start)) -lt 10000 ] || fail "a change is seen through the agent within 10 s"
    done
    took+=($(($(now_ms) - start)))
  done
  show analyst shop "SELECT id, name, city FROM customers WHERE id = 1"
  measure "a change seen through the agent, psql's start included" "$(printf '%s\n' "${took[@]}" | sort -n | sed -n 3p) ms (median of 5)"
}

step_history() {
  headline "2. The shadow: the same tables, at any moment, in PostgreSQL's SQL"
  show analyst shop '\d orders'
  show analyst shop "SELECT p.category, count(*) AS items, sum(i.quantity * i.price) AS revenue
  FROM orders o JOIN order_items i ON i.order_id = o.id JOIN products p ON p.id = i.product_id
 WHERE o.created_at >= date_trunc('month', now()) GROUP BY p.category ORDER BY revenue DESC"
  explain "A mistake on the primary: somebody deletes a whole day of events. The shadow still has every row."
  local before after deleted
  until_true 180 "the shadow holds a minute of history, and says what it expects of this minute" history_is_old_enough
  deleted=$(on_primary "WITH gone AS (DELETE FROM events WHERE created_at >= now() - interval '3 days' AND created_at < now() - interval '1 day' RETURNING 1) SELECT count(*) FROM gone")
  explain "deleted on the primary: $deleted rows"
  until_true 30 "the deletion is in the shadow" deletion_is_seen "$deleted"
  show analyst shop "SELECT count(*) AS now FROM events"
  show analyst shop "SET foreshadow.as_of = '$(date -u -d '-1 minute' '+%Y-%m-%d %H:%M:%S+00')'; SELECT count(*) AS a_minute_ago FROM events"
  after=$(value analyst shop "SELECT count(*) FROM events")
  before=$(as analyst shop -At -c "SET foreshadow.as_of = '$(date -u -d '-1 minute' '+%Y-%m-%d %H:%M:%S+00')'" -c "SELECT count(*) FROM events" | tail -1)
  check "the past still holds the deleted rows ($before then, $after now)" $((before - after)) -gt $((deleted / 2))
  show analyst shop "SELECT commit_time, lsn, transaction_type, primary_key, before ->> 'city' AS before, after ->> 'city' AS after
  FROM foreshadow.change_log WHERE relation = 'public.customers' AND primary_key ->> 'id' = '1' ORDER BY lsn, seq"
  check "the change log has the five changes of customer 1" "$(value analyst shop "SELECT count(*) FROM foreshadow.change_log WHERE relation = 'public.customers' AND primary_key ->> 'id' = '1' AND after ->> 'city' LIKE 'Atlantis%'")" -ge 5
  explain "History can be searched by how unexpected it was: each minute is compared with what the forecast in force expected."
  until_true 150 "the mass delete is the most surprising minute" most_surprising
  show analyst shop "SELECT relation, bucket, inserts, updates, deletes, round(expected::numeric, 1) AS expected, round(surprise::numeric, 1) AS surprise FROM foreshadow.change_profile WHERE surprise IS NOT NULL ORDER BY surprise DESC LIMIT 3"
}

deletion_is_seen() { [ "$(value analyst shop "SELECT count(*) FROM foreshadow.change_log WHERE relation = 'public.events' AND transaction_type = 'delete'")" -ge "$1" ]; }
history_is_old_enough() {
  [ "$(value analyst shop "SELECT count(*) FROM (SELECT min(commit_time) AS first FROM foreshadow.change_log) x WHERE first < now() - interval '70 seconds'")" = 1 ] &&
    [ "$(value analyst shop "SELECT count(*) FROM foreshadow.change_profile WHERE relation = 'public.events' AND bucket = date_trunc('minute', now()) AND expected IS NOT NULL")" = 1 ]
}
most_surprising() { [ "$(value analyst shop "SELECT relation || ' ' || (deletes > 1000) FROM foreshadow.change_profile WHERE surprise IS NOT NULL ORDER BY surprise DESC LIMIT 1")" = "public.events true" ]; }

step_forecasts() {
  headline "3. Forecasts: volume, load and limits, each with its interval and the backtest that chose the model"
  until_true 120 "the first forecast run is stored" has_forecast
  show analyst shop "SELECT relation, at::date AS at, round(p10) AS p10, round(p50) AS p50, round(p90) AS p90, model, round(skill::numeric, 2) AS skill, round(coverage::numeric, 2) AS coverage
  FROM foreshadow.volume_forecast
 WHERE run_id = (SELECT max(run_id) FROM foreshadow.forecast_runs) AND measure = 'rows' AND at::date = (now() + interval '90 days')::date ORDER BY p50 DESC"
  check "every table has a forecast in 90 days" "$(value analyst shop "SELECT count(DISTINCT relation) FROM foreshadow.volume_forecast WHERE measure = 'rows' AND at::date = (now() + interval '90 days')::date AND p10 <= p50 AND p50 <= p90")" -ge 5
  show analyst shop "SELECT at, round(mean::numeric, 1) AS mean, round(lo::numeric, 1) AS lo, round(hi::numeric, 1) AS hi, level, model, round(skill::numeric, 2) AS skill, round(coverage::numeric, 2) AS coverage
  FROM foreshadow.load_forecast
 WHERE run_id = (SELECT max(run_id) FROM foreshadow.forecast_runs) AND series = 'load.total_calls' AND at > now() ORDER BY at LIMIT 6"
  check "the load of the coming day is forecast" "$(value analyst shop "SELECT count(*) FROM foreshadow.load_forecast WHERE series = 'load.total_calls' AND at > now() AND lo <= mean AND mean <= hi")" -ge 24
  show analyst shop "SELECT limit_kind, object, round(current_value) AS current, round(max_value) AS max, p10::date AS early, p50::date AS median, p90::date AS late, note
  FROM foreshadow.limits_forecast WHERE run_id = (SELECT max(run_id) FROM foreshadow.forecast_runs) ORDER BY p50 NULLS LAST LIMIT 6"
  local date; date=$(value analyst shop "SELECT p50::date FROM foreshadow.limits_forecast WHERE object LIKE '%events%' AND p50 IS NOT NULL ORDER BY p50 LIMIT 1")
  check "the integer key of events runs out within the year: $date" "$(date -d "$date" +%s)" -lt "$(date -d '+1 year' +%s)"
  measure "events.id runs out (median)" "$date"
  show analyst shop "SELECT * FROM foreshadow.chart('volume.rows:public.orders', '90 days')"
  check "the chart has its lines" "$(value analyst shop "SELECT count(*) FROM foreshadow.chart('volume.rows:public.orders', '90 days')")" -ge 10
}

has_forecast() { [ "$(value analyst shop "SELECT count(*) FROM foreshadow.limits_forecast WHERE object LIKE '%events%'")" != 0 ]; }

step_instance() {
  headline "4. A predictive instance: two accounts, one hash, a real server in the state of the next quarter"
  refused analyst shop "CREATE PREDICTIVE INSTANCE next_quarter AT HORIZON 'someday'" "interval|horizon"
  refused alice shop "CREATE PREDICTIVE INSTANCE next_quarter AT HORIZON '90 days' WITH (colour = blue)" "colour"
  governed alice "CREATE PREDICTIVE INSTANCE next_quarter AT HORIZON '90 days'"
  local request; request=$(value alice shop "SELECT max(request_id) FROM foreshadow.requests")
  check "nothing is built before two accounts approved" "$(value alice shop "SELECT state FROM foreshadow.requests WHERE request_id = $request")" = PENDING
  show alice shop "SHOW REQUEST $request PLAN"
  explain "An approval is given on the very hash that was shown, so a session reads the request before it approves:"
  governed alice "SHOW REQUEST $request" "APPROVE REQUEST $request"
  explain "One person is one approval, whatever he tries:"
  refused alice shop "APPROVE REQUEST $request HASH '$(value alice shop "SELECT hash FROM foreshadow.requests WHERE request_id = $request")'" "approved request $request already"
  local build; build=$(date +%s%N)
  governed bob "SHOW REQUEST $request" "APPROVE REQUEST $request"
  local last="" line
  until [ "$(value alice shop "SELECT state FROM foreshadow.requests WHERE request_id = $request")" = EXECUTED ]; do
    line=$(as alice shop -At -F ' ' -c "SELECT phase, done, 'of', total, unit FROM foreshadow.operations WHERE object = 'next_quarter' ORDER BY updated_at DESC LIMIT 1")
    [ "$line" = "$last" ] || { printf '  building: %s\n' "$line"; last=$line; }
    case "$(value alice shop "SELECT state FROM foreshadow.requests WHERE request_id = $request")" in
      FAILED|STALE|EXPIRED|INDETERMINATE) fail "the instance is built" "$(value alice shop "SELECT state, message FROM foreshadow.requests WHERE request_id = $request")" ;;
    esac
    [ $((($(date +%s%N) - build) / 1000000000)) -lt 300 ] || fail "the instance is built within 300 s"
    sleep 0.5
  done
  local took; took=$(seconds "$build")
  show alice shop "SELECT name, state, fidelity, horizon, size_bytes, expires_at FROM foreshadow.instances"
  explain "The instance is reached through the agent, by its name as database, with the privileges the login has on the primary:"
  show analyst next_quarter "SELECT 'orders' AS \"table\", count(*), max(created_at) FROM orders UNION ALL SELECT 'order_items', count(*), NULL FROM order_items UNION ALL SELECT 'events', count(*), max(created_at) FROM events UNION ALL SELECT 'customers', count(*), max(created_at) FROM customers"
  show alice shop "SELECT relation, source_rows, projected_rows, actual_rows, check_name, left(result, 60) AS result FROM foreshadow.instance_reports WHERE name = 'next_quarter' ORDER BY relation, check_name"
  local rows=0 table projected actual
  while IFS='|' read -r table projected; do
    actual=$(value analyst next_quarter "SELECT count(*) FROM $table")
    rows=$((rows + actual))
    check "$table has its projected row count ($actual of $projected)" "$actual" -eq "$projected"
  done < <(as alice shop -At -c "SELECT DISTINCT relation, projected_rows FROM foreshadow.instance_reports WHERE name = 'next_quarter' AND projected_rows IS NOT NULL ORDER BY 1")
  local constraints="SELECT count(*) FROM pg_constraint WHERE convalidated AND connamespace = 'public'::regnamespace"
  check "every constraint of the primary holds in the instance" "$(value analyst next_quarter "$constraints")" -eq "$(on_primary "$constraints")"
  refused analyst next_quarter "DELETE FROM orders" "permission denied"
  measure "building next_quarter ($rows rows, indexed, constraints valid)" "$took s"
}

step_audit() {
  headline "5. The audit trail, and the end of the instance"
  show alice shop "SELECT seq, actor, action, request_id, left(hash, 12) AS hash FROM foreshadow.audit_log ORDER BY seq DESC LIMIT 8"
  show bob shop "VERIFY AUDIT"
  governed bob "DROP PREDICTIVE INSTANCE next_quarter"
  local request; request=$(value bob shop "SELECT max(request_id) FROM foreshadow.requests")
  governed bob "SHOW REQUEST $request" "APPROVE REQUEST $request"
  governed alice "SHOW REQUEST $request" "APPROVE REQUEST $request"
  until_true 60 "the instance is dropped" instance_is_gone
  refused analyst next_quarter "SELECT 1" "does not exist"
  check "nothing of it is left on disk" -z "$(find "$dir/agent" -name '*next_quarter*' -print -quit)"
}

instance_is_gone() { [ "$(value alice shop "SELECT count(*) FROM foreshadow.instances")" = 0 ]; }
