package predict

import (
	"context"
	"math"
	"strings"
	"time"

	"foreshadow/forecast"
	"foreshadow/forecast/risk"
)

// Assess holds a script against a catalog and the forecasts for so far ahead; zero is now. Sizes are followed as far as limits are.
func (t Tables) Assess(ctx context.Context, script *risk.Script, c *risk.Catalog, horizon time.Duration) ([]risk.Assessment, error) {
	steps, err := script.Classify(c)
	if err != nil {
		return nil, err
	}
	if horizon != 0 {
		if err := checkHorizon(horizon); err != nil {
			return nil, err
		}
	}
	last, err := t.r.latest(ctx)
	if err != nil {
		return nil, err
	}
	days := int((horizon + day - 1) / day)
	o, err := last.outlook(ctx, t.r.o.Clock(), t.r.Params(), max(days, int(t.r.Params().LimitHorizon/day)))
	if err != nil {
		return nil, err
	}
	o.Rates = t.r.o.Rates
	return risk.Assess(steps, c, o, days), nil
}

// outlook gathers what the last run knows of tables, statements and the host.
func (s *snapshot) outlook(ctx context.Context, now time.Time, p Params, days int) (*risk.Outlook, error) {
	in := &s.in
	fans, err := in.volumes(ctx, days, p.Origins)
	if err != nil {
		return nil, err
	}
	o := &risk.Outlook{Now: now.UTC(), Tables: map[string]risk.Table{}, FreeConnections: math.NaN(), DiskFree: math.NaN(),
		Snapshot: in.average("lock.snapshot")}
	for i := range in.tables {
		t := &in.tables[i]
		o.Tables[t.relation] = risk.Table{Rows: t.rows, Heap: t.heap, Index: t.index, Toast: t.toast, Days: fans[i].Quantiles,
			Readers: in.average("lock.readers:" + t.relation), Writers: in.average("lock.writers:" + t.relation)}
	}
	if free, ok := in.last("host.disk_free"); ok {
		o.DiskFree = free
	}
	if ceiling, ok := in.last("db.max_connections"); ok {
		used, _ := in.last("db.connections")
		o.FreeConnections = max(0, ceiling-used)
	}
	for i := range s.run.Results {
		r := &s.run.Results[i]
		if strings.HasPrefix(r.Series.ID, "load.calls:") && len(r.Points) > 0 {
			o.Statements = append(o.Statements, risk.Statement{Text: r.Series.Text, Hours: comingWeek(r, in.at, o.Now)})
		}
	}
	return o, nil
}

// comingWeek is a load in each hour of the coming seven days.
func comingWeek(r *forecast.Result, at, now time.Time) []float64 {
	hours := make([]float64, 168)
	first := now.Truncate(time.Hour).Add(time.Hour)
	for h := range hours {
		hours[h] = max(0, sameHour(r, at, first.Add(time.Duration(h)*time.Hour)).P50)
	}
	return hours
}

// average is the mean of a stored series; zero when there is none.
func (in *inputs) average(id string) float64 {
	var sum float64
	n := 0
	for _, v := range in.series[id].Values {
		if measured(v) {
			sum += v
			n++
		}
	}
	return sum / float64(max(n, 1))
}
