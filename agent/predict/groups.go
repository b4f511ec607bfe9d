package predict

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"foreshadow/agent/sampler"
	"foreshadow/forecast"
	"foreshadow/forecast/volume"
)

// total is the object of the series that are about all tables together; tables have a schema in their names.
const total = "total"

// modelSum is how the forecast of a whole is called that is the sum of its parts'.
const modelSum = "sum of its tables"

// group is a partitioned table, or all tables, whose forecast is the sum of its members'. Its history is daily and ends now.
type group struct {
	relation string
	members  []int // of in.tables
	history  forecast.Series
}

// group finds the partitioned tables with captured partitions, and the total, which comes last.
func (in *inputs) group(partitions []forecast.Reference) {
	members := map[string][]int{}
	var names []string
	for _, p := range partitions {
		i := slices.IndexFunc(in.tables, func(t table) bool { return t.relation == p.Child })
		if i < 0 {
			continue
		}
		if members[p.Parent] == nil {
			names = append(names, p.Parent)
		}
		members[p.Parent] = append(members[p.Parent], i)
	}
	slices.Sort(names)
	for i := range in.tables {
		members[total] = append(members[total], i)
	}
	if len(in.tables) > 0 {
		names = append(names, total)
	}
	for _, name := range names {
		in.groups = append(in.groups, group{name, members[name], in.sumHistory(name, members[name])})
	}
}

// sumHistory adds up the tables' histories. A table's history from created-at columns begins with its first rows, and so does that of a partition too young
// to have one beside such partitions; what lies before that of another table is not known and taken to be as much as at its beginning.
func (in *inputs) sumHistory(name string, members []int) forecast.Series {
	s, _ := sampler.Describe("volume.rows:" + name)
	longest, dated := 0, false
	for _, i := range members {
		longest = max(longest, len(in.tables[i].past().Values))
		dated = dated || name != total && in.tables[i].past().Source == "created_at"
	}
	s.Values = make([]float64, longest)
	for _, i := range members {
		past := in.tables[i].past()
		for k := range longest {
			switch at := len(past.Values) - longest + k; {
			case at >= 0:
				s.Values[k] += past.Values[at] // a gap stays a gap
			case past.Source != "created_at" && len(past.Values) > 0 && !dated:
				s.Values[k] += past.Values[0]
			}
		}
	}
	s.Start, s.Step = in.at.Add(-time.Duration(longest-1)*day), day
	return s
}

// lately is how many days back the partitions are looked at that take the new rows of their whole.
const lately = 2

// reconcile makes partitions add up to what their whole does: what it gains goes to them as it did lately, since the past of a partition says little of what
// it will take: the newest has none, and the others are full.
func (in *inputs) reconcile(fans []forecast.Fan, days, origins int) error {
	for _, g := range in.groups {
		if g.relation == total || len(g.history.Values) < enough || in.within(g) {
			continue
		}
		whole, err := volume.Forecast(g.history, days, volume.Options{Level: volumeLevel, Origins: origins})
		if err != nil {
			return fmt.Errorf("forecast rows of %s: %w", g.relation, err)
		}
		shares, now := in.shares(g), g.history.Values[len(g.history.Values)-1]
		for n, i := range g.members {
			t, fan := &in.tables[i], &fans[i]
			fan.Quantiles, fan.Points = slices.Clone(fan.Quantiles), slices.Clone(fan.Points)
			for k, q := range whole.Quantiles {
				part := func(v float64) float64 { return max(0, t.rows+shares[n]*(v-now)) }
				fan.Quantiles[k] = forecast.Quantiles{P10: part(q.P10), P50: part(q.P50), P90: part(q.P90)}
				fan.Points[k] = point(fan.Points[k].At, fan.Quantiles[k])
			}
			fan.Model, fan.Backtest = whole.Model+" of "+g.relation, whole.Backtest
		}
	}
	return nil
}

// shares are those of a group's members in what it gained lately; of its rows, where it gained nothing.
func (in *inputs) shares(g group) []float64 {
	gains, rows := make([]float64, len(g.members)), make([]float64, len(g.members))
	var gained, all float64
	for n, i := range g.members {
		past := in.tables[i].past()
		before := 0.0 // all of a new partition came lately
		if at := len(past.Values) - 1 - lately; at >= 0 && measured(past.Values[at]) {
			before = past.Values[at]
		}
		gains[n], rows[n] = max(0, in.tables[i].rows-before), in.tables[i].rows
		gained, all = gained+gains[n], all+rows[n]
	}
	if gained == 0 {
		gains, gained = rows, max(all, 1)
	}
	for n := range gains {
		gains[n] /= gained
	}
	return gains
}

// within says that a group lies inside another one that is not the total: then the outer one decides.
func (in *inputs) within(g group) bool {
	return slices.ContainsFunc(in.groups, func(o group) bool {
		return o.relation != total && len(o.members) > len(g.members) && !slices.ContainsFunc(g.members, func(i int) bool { return !slices.Contains(o.members, i) })
	})
}

// groupResults are the sums of the stored forecasts of tables: medians and bounds add up, as if all tables were late or early together. Their backtest
// is that of the model on the history of the sum.
func (in *inputs) groupResults(tables []forecast.Result, days, origins int) ([]forecast.Result, error) {
	var out []forecast.Result
	for _, g := range in.groups {
		fan, err := volume.Forecast(g.history, days, volume.Options{Level: volumeLevel, Origins: origins})
		if err != nil {
			return nil, fmt.Errorf("forecast rows of %s: %w", g.relation, err)
		}
		sums := map[string]*forecast.Result{}
		for _, r := range tables {
			measure, relation, _ := strings.Cut(r.Series.ID, ":")
			if !slices.ContainsFunc(g.members, func(i int) bool { return in.tables[i].relation == relation }) {
				continue
			}
			sum := sums[measure]
			if sum == nil {
				s, _ := sampler.Describe(measure + ":" + g.relation)
				s.Start, s.Source = g.history.Start, "sum"
				sum = &forecast.Result{Series: s, Model: modelSum, Level: r.Level, From: fan.From, To: fan.To, Backtest: fan.Backtest, Points: make([]forecast.Point, len(r.Points))}
				sums[measure] = sum
			}
			for k, p := range r.Points {
				at := &sum.Points[k]
				at.At, at.Mean, at.Lo, at.Hi = p.At, at.Mean+p.Mean, at.Lo+p.Lo, at.Hi+p.Hi
			}
		}
		out = append(out, *sums["volume.rows"])
		for _, m := range measures {
			out = append(out, *sums["volume."+m.name])
		}
	}
	return out, nil
}

// groupSamples are the sums of now, against which later runs are scored.
func (in *inputs) groupSamples() []forecast.Sample {
	var out []forecast.Sample
	for _, g := range in.groups {
		add := func(name string, of func(*table) float64) {
			s, _ := sampler.Describe("volume." + name + ":" + g.relation)
			s.Source = "sum"
			sample := forecast.Sample{Series: s, At: in.at}
			for _, i := range g.members {
				sample.Value += of(&in.tables[i])
			}
			out = append(out, sample)
		}
		add("rows", func(t *table) float64 { return t.rows })
		for _, m := range measures {
			add(m.name, m.now)
		}
	}
	return out
}
