// Package hazard says how likely each table's schema is to change soon, by the changes that it and its neighbours have seen. A logistic regression whose
// coefficients come from the histories of other applications (prior.go) is adjusted to the schema's own past at each forecast. agent/predict calls it.
// It is pure; which events there were, and which limits will force a change, is the caller's.
package hazard

import (
	"math"
	"slices"
	"strings"
)

// window is the span of time that the regression is about, in days.
const window = 90.0

// Model is a regression with how its features are scaled and how far a schema's own coefficients may lie from it.
type Model struct {
	mean, scale [features]float64
	prior       coefficients
	spread      [size]float64 // standard deviations between schemas
}

// standard gives a table's features at a day in the model's scale.
func (m *Model) standard(l *life, at float64, a activity) [size]float64 {
	out := [size]float64{1}
	for i, v := range l.featuresAt(at, a) {
		out[i+1] = (v - m.mean[i]) / m.scale[i]
	}
	return out
}

// every is the distance of the origins that the model learns from; recent is the half-life of their weight, in days.
const (
	every  = 45.0
	recent = 1500.0
)

// examples are the tables at all earlier days whose outcome is known at a day. The windows overlap, so each counts for its share of one.
func (m *Model) examples(h *history, until float64) []example {
	var out []example
	for at := until - window; at > 0; at -= every {
		a := h.activityAt(at)
		weight := every / window * math.Exp2((at-until)/recent)
		for i := range h.tables {
			if l := &h.tables[i]; l.alive(at) {
				out = append(out, example{m.standard(l, at, a), l.changed(at, window), weight})
			}
		}
	}
	return out
}

// learn adjusts the coefficients to what a schema's own past shows until a day.
func (m *Model) learn(h *history, until float64) coefficients {
	var precision [size]float64
	for i, s := range m.spread {
		precision[i] = 1 / (s * s)
	}
	return fit(m.prior, precision, m.examples(h, until))
}

// chances gives the probability of a change within the window for every table that is alive at a day, by its name.
func (m *Model) chances(h *history, at float64) map[string]float64 {
	c := m.learn(h, at)
	a := h.activityAt(at)
	out := map[string]float64{}
	for i := range h.tables {
		if l := &h.tables[i]; l.alive(at) {
			x := m.standard(l, at, a)
			out[l.name] = c.chance(&x)
		}
	}
	return out
}

// shape is how the chance of a change grows with time: changes come in bursts, so the first days have more than their share.
const shape = 0.85

// chanceWithin carries the chance of the window over to other many days.
func chanceWithin(p, days, shape float64) float64 {
	return 1 - math.Pow(1-p, math.Pow(days/window, shape))
}

// daysUntil is after how many days the chance reaches q.
func daysUntil(p, q float64) float64 {
	return window * math.Pow(math.Log1p(-q)/math.Log1p(-p), 1/shape)
}

// life finds a table by its name.
func (h *history) life(name string) *life {
	i, ok := slices.BinarySearchFunc(h.tables, name, func(l life, name string) int { return strings.Compare(l.name, name) })
	if !ok {
		return nil
	}
	return &h.tables[i]
}
