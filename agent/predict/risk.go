package predict

import (
	"context"
	"fmt"
	"math"
	"slices"
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

// likely is the probability from which on an expected schema change is assessed.
const likely = 0.1

// changeRisks assesses the schema changes that are likely by a horizon.
func (r *Runner) changeRisks(ctx context.Context, s *snapshot, changes []forecast.SchemaChange, ahead time.Duration) ([]forecast.ChangeRisk, error) {
	if !slices.ContainsFunc(changes, func(c forecast.SchemaChange) bool { return c.Probability >= likely }) {
		return nil, nil
	}
	days := int((ahead + day - 1) / day)
	o, err := s.outlook(ctx, r.o.Clock(), r.Params(), days)
	if err != nil {
		return nil, err
	}
	o.Rates = r.o.Rates
	var out []forecast.ChangeRisk
	for _, c := range changes {
		if c.Probability < likely {
			continue
		}
		a, ok := risk.Foreseen(c.What, c.Relation, o, days)
		if !ok {
			continue
		}
		f := a.Findings[0]
		out = append(out, forecast.ChangeRisk{Relation: c.Relation, What: c.What, Lock: f.Lock.String(), Work: f.Work(), Probability: c.Probability,
			Hold: f.Hold, Verdict: string(a.Verdict), Because: a.Because})
	}
	return out, nil
}

// outlook gathers what the last run knows of tables, statements and the host.
func (s *snapshot) outlook(ctx context.Context, now time.Time, p Params, days int) (*risk.Outlook, error) {
	in := &s.in
	fans, err := s.followed(ctx, days, p.Origins)
	if err != nil {
		return nil, err
	}
	o := &risk.Outlook{Now: now.UTC(), Tables: map[string]risk.Table{}, FreeConnections: math.NaN(), DiskFree: math.NaN(),
		Snapshot: mean(in.series["lock.snapshot"].Values)}
	if o.Load, err = in.loadGrowth(days, p.Origins); err != nil {
		return nil, fmt.Errorf("forecast growth of load: %w", err)
	}
	wait := func(id string) risk.Wait {
		return risk.Wait{Mean: mean(in.series[id].Values), Hours: in.waits(id, o.Now)}
	}
	for i := range in.tables {
		t := &in.tables[i]
		o.Tables[t.relation] = risk.Table{Rows: t.rows, Heap: t.heap, Index: t.index, Toast: t.toast, Days: fans[i].Quantiles,
			Readers: wait("lock.readers:" + t.relation), Writers: wait("lock.writers:" + t.relation)}
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

// followed is how every table is expected to grow for so many days; it is computed once for a run, as it takes a while for many tables.
func (s *snapshot) followed(ctx context.Context, days, origins int) ([]forecast.Fan, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fans != nil && s.fansFor == [2]int{days, origins} {
		return s.fans, nil
	}
	fans, err := s.in.volumes(ctx, days, origins)
	if err != nil {
		return nil, err
	}
	s.fans, s.fansFor = fans, [2]int{days, origins}
	return fans, nil
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
