package predict

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"foreshadow/agent/sampler"
	"foreshadow/forecast"
	"foreshadow/forecast/volume"
	"foreshadow/sql/sqlerr"
)

// maxHourly is how far ahead a series with steps shorter than a day may be forecast.
const maxHourly = 90 * day

// one forecasts a single series at any horizon and level, and gives the history that it is drawn with.
func (r *Runner) one(ctx context.Context, id string, horizon time.Duration, level float64) (forecast.Series, forecast.Result, error) {
	var none forecast.Result
	if err := checkHorizon(horizon); err != nil {
		return forecast.Series{}, none, err
	}
	if !(level > 0 && level < 100) {
		return forecast.Series{}, none, sqlerr.New(sqlerr.InvalidParameterValue, "level %v is not between 0 and 100", level).
			WithHint("The level is in percent, such as 95.")
	}
	last, err := r.latest(ctx)
	if err != nil {
		return forecast.Series{}, none, err
	}
	s, ok := last.in.find(id)
	if !ok {
		return forecast.Series{}, none, sqlerr.New(sqlerr.UndefinedObject, "series %q does not exist", id).WithHint("%s", last.in.hint(id))
	}
	if s.Step <= 0 {
		s.Step = time.Hour
	}
	if s.Step < day && horizon > maxHourly {
		return s, none, sqlerr.New(sqlerr.InvalidParameterValue, "series %q can be forecast for at most 90 days", id)
	}
	steps := int((horizon + s.Step - 1) / s.Step)
	result, err := last.in.any(s, steps, r.Params(), level)
	if errors.Is(err, forecast.ErrNoValues) {
		return s, none, sqlerr.New(sqlerr.ObjectNotInState, "series %q has no values yet", id)
	}
	return s, result, err
}

// any forecasts a series by the model of its kind.
func (in *inputs) any(s forecast.Series, steps int, p Params, level float64) (forecast.Result, error) {
	if s.Kind != "volume" && s.Kind != "limit" {
		if name, _, single := strings.Cut(s.ID, ":"); single {
			if whole := wholes[name]; whole != "" {
				if total, err := in.load(whole, steps, p, level); err == nil {
					return in.statement(s.ID, &total, steps, p)
				}
			}
		}
		return in.load(s.ID, steps, p, level)
	}
	if relation, ok := strings.CutPrefix(s.ID, "volume.rows:"); ok && len(s.Values) < enough {
		for i := range in.tables {
			if in.tables[i].relation == relation {
				return wide(&in.tables[i], steps).Result, nil
			}
		}
	}
	fan, err := volume.Forecast(s, steps, volume.Options{Level: level, Origins: p.Origins})
	return fan.Result, err
}

// find gives a series with the best history that is known of it: tables and keys reach back by their created-at columns.
func (in *inputs) find(id string) (forecast.Series, bool) {
	name, object, _ := strings.Cut(id, ":")
	for i := range in.tables {
		if t := &in.tables[i]; t.relation == object {
			if factor, ok := t.perRow(strings.TrimPrefix(name, "volume.")); ok {
				return t.scaled(id, factor), true
			}
		}
	}
	for i := range in.groups {
		if g := &in.groups[i]; g.relation == object && name == "volume.rows" {
			return g.history, true
		}
	}
	stored, ok := in.series[id]
	if last, known := in.last(id); known && name == "key.last" {
		if t := in.tableOf(object); t != nil && (t.known() || t.parent != nil) {
			s := in.keyHistory(t, object, last)
			s.Kind, s.Object, s.Measure, s.Text = stored.Kind, stored.Object, stored.Measure, stored.Text
			return s, true
		}
	}
	return stored, ok
}

// perRow is how much of a measure the table has for each row now; false for what is not proportional to rows.
func (t *table) perRow(name string) (float64, bool) {
	if name == "rows" {
		return 1, true
	}
	for _, m := range measures {
		if m.name == name {
			return m.now(t) / max(t.rows, 1), true
		}
	}
	return 0, false
}

// scaled is the table's history in another measure, in proportion to its rows.
func (t *table) scaled(id string, factor float64) forecast.Series {
	s, _ := sampler.Describe(id)
	h := t.past()
	s.Source, s.Start, s.Step, s.Values = h.Source, h.Start, h.Step, slices.Clone(h.Values)
	for k := range s.Values {
		s.Values[k] *= factor
	}
	return s
}

// past is the table's history; one that follows a parent has the parent's in proportion.
func (t *table) past() forecast.Series {
	if t.known() || t.parent == nil {
		return t.history
	}
	h := t.parent.history
	h.Values = slices.Clone(h.Values)
	for i := range h.Values {
		h.Values[i] *= t.rows / t.parent.rows
	}
	return h
}

// hint names series that a wrong name may have meant.
func (in *inputs) hint(id string) string {
	_, object, _ := strings.Cut(id, ":")
	var near []string
	for i := range in.tables {
		if t := in.tables[i].relation; object != "" && strings.Contains(t, object) {
			near = append(near, "volume.rows:"+t)
		}
	}
	for _, known := range in.ids {
		if object != "" && strings.Contains(known, object) || strings.HasPrefix(known, id) {
			near = append(near, known)
		}
	}
	near = slices.Compact(near)
	if len(near) == 0 || len(near) > 5 {
		return "See foreshadow.series for their names."
	}
	return "Did you mean " + strings.Join(near, ", ") + "?"
}
