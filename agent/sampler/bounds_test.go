package sampler

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"foreshadow/agent/pgtest"
)

func TestBounds(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t, "autovacuum_freeze_max_age=150000000")
	pg.Exec(t, "postgres", `CREATE TABLE checked (a int CHECK (a > 0 AND a <= 100), b numeric CHECK (b < 99.5) CHECK (b < 50), c text CHECK (length(c) <= 30), d date CHECK (d < '2027-01-01'),
		e smallint CHECK (e IN (1, 2)), f float8 CHECK (f >= -5 AND f < 10), g varchar(9) CHECK (char_length(g) < 5), h int CHECK (h < 5 OR h > 7), i int CHECK (i <> 3), j timestamptz CHECK (j < '2027-01-01 00:00+00'), "K k" int CHECK ("K k" BETWEEN 2 AND 8), CHECK (a < i));
		CREATE TABLE daily (at timestamptz) PARTITION BY RANGE (at); CREATE TABLE daily1 PARTITION OF daily FOR VALUES FROM (MINVALUE) TO ('2027-02-01 00:00+00'); CREATE TABLE daily2 PARTITION OF daily FOR VALUES FROM ('2027-02-01 00:00+00') TO ('2027-03-01 00:00+00');
		CREATE TABLE rest (id bigint) PARTITION BY RANGE (id); CREATE TABLE rest1 PARTITION OF rest FOR VALUES FROM (-10) TO (5000); CREATE TABLE rest2 PARTITION OF rest DEFAULT;
		CREATE TABLE open (d date) PARTITION BY RANGE (d); CREATE TABLE open1 PARTITION OF open FOR VALUES FROM ('2027-01-01') TO (MAXVALUE);
		CREATE TABLE listed (k int) PARTITION BY LIST (k); CREATE TABLE listed1 PARTITION OF listed FOR VALUES IN (1); CREATE TABLE none (k int) PARTITION BY RANGE (k)`)
	s, store, clock, log := start(t, pg.DSN("postgres", "postgres"))
	round(t, s, clock, 0)
	year := float64(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC).Unix())
	want := map[string]float64{
		"key.check_lower:public.checked.a": 0, "key.check_upper:public.checked.a": 100, "key.check_upper:public.checked.b": 50, "key.check_length:public.checked.c": 30,
		"key.check_upper:public.checked.d": year, "key.check_lower:public.checked.f": -5, "key.check_upper:public.checked.f": 10, "key.check_length:public.checked.g": 5,
		"key.check_upper:public.checked.j": year, "key.check_lower:public.checked.K k": 2, "key.check_upper:public.checked.K k": 8,
		"key.partition_until:public.daily.at": year + 59*86400, "key.partition_default:public.daily.at": 0, "key.partition_end:public.rest.id": 5000, "key.partition_default:public.rest.id": 1,
		"limit.xid_freeze": 150_000_000, "limit.table_bytes": 8192 * 4294967295, "limit.mxid_freeze": 400_000_000,
	}
	got := map[string]float64{}
	for _, p := range store.samples {
		for _, prefix := range []string{"key.check", "key.partition", "limit.xid_freeze", "limit.mxid_freeze", "limit.table"} {
			if len(p.Series.ID) >= len(prefix) && p.Series.ID[:len(prefix)] == prefix {
				got[p.Series.ID] = p.Value
			}
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got\n%v, want\n%v", got, want)
	}
	if a := store.find("limit.mxid_age", ""); a == nil || a.Value < 0 {
		t.Errorf("age of multixacts: %+v", a)
	}
	if strings.Contains(log.String(), "reading=bounds") {
		t.Errorf("log: %s", log)
	}
}
