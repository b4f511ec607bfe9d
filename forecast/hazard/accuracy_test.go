package hazard

import (
	"cmp"
	"encoding/csv"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"
	"time"

	"foreshadow/forecast"
	"foreshadow/forecast/forecasttest"
)

// project is one application's history and when its last event was.
type project struct {
	name string
	h    *history
	end  float64
}

// projects reads the events of all applications, without those of bulk migrations.
func projects(t testing.TB) []project {
	t.Helper()
	read := func(name string) [][]string {
		f, err := os.Open(forecasttest.SharedData(t, "schema_evolution", name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		rows, err := csv.NewReader(f).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return rows[1:]
	}
	bulk := map[string]bool{}
	for _, r := range read("migrations.csv") {
		if r[7] == "1" {
			bulk[r[0]+"/"+r[4]] = true
		}
	}
	events := map[string][]forecast.SchemaEvent{}
	var names []string
	for _, r := range read("ddl_events.csv") {
		at, err := time.Parse(time.RFC3339, r[1])
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(names, r[0]) {
			names = append(names, r[0])
		}
		e := forecast.SchemaEvent{Relation: r[4], Kind: r[5], At: at}
		if bulk[r[0]+"/"+r[3]] {
			continue
		}
		events[r[0]] = append(events[r[0]], e)
	}
	var out []project
	for _, n := range names {
		h := newHistory(events[n], time.Time{}, nil)
		p := project{name: n, h: h}
		for i := range h.tables {
			if c := h.tables[i].changes; len(c) > 0 {
				p.end = max(p.end, c[len(c)-1])
			}
		}
		out = append(out, p)
	}
	return out
}

// outcome is one probability that was given and what came of it.
type outcome struct {
	p float64
	y bool
}

// score measures probabilities: area under the ROC curve, Brier score, that of the constant, skill.
func score(os []outcome) (auc, skill, base, mean float64) {
	os = slices.Clone(os)
	slices.SortFunc(os, func(a, b outcome) int { return cmp.Compare(a.p, b.p) })
	var pos, neg, sum, brier float64
	for i := 0; i < len(os); {
		j, p, n := i, 0.0, 0.0
		for ; j < len(os) && os[j].p == os[i].p; j++ {
			if os[j].y {
				p++
			} else {
				n++
			}
		}
		sum += p * (neg + n/2)
		pos, neg, i = pos+p, neg+n, j
	}
	for _, o := range os {
		mean += o.p
		if o.y {
			brier += (1 - o.p) * (1 - o.p)
		} else {
			brier += o.p * o.p
		}
	}
	n := float64(len(os))
	base = pos / n
	return sum / (pos * neg), 1 - brier/n/(base*(1-base)), base, mean / n
}

// fitPrior learns the coefficients of other projects until a day of the calendar.
func fitPrior(ps []project, until time.Time) *Model {
	m := &Model{spread: shipped.spread}
	for i := range m.scale {
		m.scale[i] = 1
	}
	var all []example
	for _, p := range ps {
		to := min(p.h.day(until), p.end)
		for at := to - window; at > 0; at -= every {
			a := p.h.activityAt(at)
			for i := range p.h.tables {
				if l := &p.h.tables[i]; l.alive(at) {
					all = append(all, example{m.standard(l, at, a), l.changed(at, window), every / window})
				}
			}
		}
	}
	for i := range m.mean {
		var s, ss float64
		for k := range all {
			s += all[k].x[i+1]
		}
		mean := s / float64(len(all))
		for k := range all {
			ss += (all[k].x[i+1] - mean) * (all[k].x[i+1] - mean)
		}
		m.mean[i], m.scale[i] = mean, math.Sqrt(ss/float64(len(all)))
	}
	for k := range all {
		for i := range m.mean {
			all[k].x[i+1] = (all[k].x[i+1] - m.mean[i]) / m.scale[i]
		}
	}
	var weak [size]float64
	for i := range weak {
		weak[i] = 1
	}
	m.prior = fit(coefficients{}, weak, all)
	return m
}

// try gives each project's probabilities at quarterly origins between two days, of a change within window days, with what came within other many days.
func try(ps []project, from, to time.Time, within float64, model func(p project) *Model) map[string][]outcome {
	out := map[string][]outcome{}
	for _, p := range ps {
		m := model(p)
		for day := from; day.Before(to); day = day.AddDate(0, 3, 0) {
			at := p.h.day(day)
			if at < 180 || at+within > p.end {
				continue
			}
			for name, chance := range m.chances(p.h, at) {
				l := p.h.life(name)
				out[p.name] = append(out[p.name], outcome{chance, l.changed(at, within)})
			}
		}
	}
	return out
}

// prior, when given, prints what prior.go holds: the coefficients of all applications there are.
var prior = flag.Bool("prior", false, "print the coefficients of all applications' histories")

func TestPrintPrior(t *testing.T) {
	if !*prior {
		t.Skip("SKIPPED: only with -prior")
	}
	ps := projects(t)
	m := fitPrior(ps, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
	fmt.Printf("\tmean:  %#v,\n\tscale: %#v,\n\tprior: %#v,\n", m.mean, m.scale, m.prior)
	from, to := time.Date(2014, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, within := range []float64{7, 30, 180, 365, 730} {
		for _, k := range []float64{0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 1} {
			loss, n := 0.0, 0.0
			for _, os := range try(ps, from, to, within, func(project) *Model { return m }) {
				for _, o := range os {
					q := min(max(chanceWithin(o.p, within, k), 1e-9), 1-1e-9)
					if !o.y {
						q = 1 - q
					}
					loss, n = loss-math.Log(q), n+1
				}
			}
			fmt.Printf("within %v days, shape %v: log-loss %.4f\n", within, k, loss/n)
		}
	}
}

// TestAccuracy forecasts each application by the histories of the others until 2022 and its own until each origin, quarters from 2022 on.
func TestAccuracy(t *testing.T) {
	t.Parallel()
	ps := projects(t)
	from, to := time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	others := func(p project) *Model {
		return fitPrior(slices.DeleteFunc(slices.Clone(ps), func(o project) bool { return o.name == p.name }), from)
	}
	var all []outcome
	for name, os := range try(ps, from, to, window, others) {
		auc, skill, base, mean := score(os)
		t.Logf("%-22s %5d tables and origins: AUC %.3f, Brier skill %.1f %%, %.3f changed, %.3f said", name, len(os), auc, 100*skill, base, mean)
		all = append(all, os...)
	}
	auc, skill, base, mean := score(all)
	t.Logf("%-22s %5d tables and origins: AUC %.3f, Brier skill %.1f %%, %.3f changed, %.3f said", "all", len(all), auc, 100*skill, base, mean)
	if auc < 0.80 || skill < 0.08 || math.Abs(mean/base-1) > 0.25 {
		t.Error("that is worse than it was")
	}
	slices.SortFunc(all, func(a, b outcome) int { return cmp.Compare(a.p, b.p) })
	for k := range 10 { // calibration, by tenths
		part := all[k*len(all)/10 : (k+1)*len(all)/10]
		said, came := 0.0, 0.0
		for _, o := range part {
			said += o.p
			if o.y {
				came++
			}
		}
		t.Logf("tenth %2d: %.3f said, %.3f came", k+1, said/float64(len(part)), came/float64(len(part)))
	}
}
