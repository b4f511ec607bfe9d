package predict

import (
	"context"
	"math"
	"slices"
	"time"

	"foreshadow/agent/change"
	"foreshadow/agent/sampler"
	"foreshadow/forecast"
	"foreshadow/forecast/limits"
	"foreshadow/forecast/volume"
)

// Notes of limits that the models do not give.
const (
	tooLittle = "too little history to say when"
	atBound   = "at its bound: more is refused"
	noNulls   = "from then on the column can be NOT NULL"
)

// What is looked at, and what is told of columns: those below the share are far from their bounds.
const (
	lookEvery  = time.Hour
	storeShare = 0.25
	tellShare  = 0.5
)

// capacity is what a column can hold: up to max, or down to it. Kind is that of its limit.
type capacity struct {
	kind, unit string
	max        float64
	lower      bool
}

// columnUse is what a column holds of its capacity now.
type columnUse struct {
	capacity
	forecast.ColumnUse
	object string // schema.table.column
}

// columnUses remembers what was found in a table's columns.
type columnUses struct {
	found   []columnUse
	version int32
	at      time.Time
}

// PostgreSQL's types whose capacity is in the column's definition.
const (
	typeInt2    = 21
	typeInt4    = 23
	typeVarchar = 1043
	typeNumeric = 1700
	headerSize  = 4 // of a type modifier
)

// capacities lists what bounds a column: its type, unless it is a key that has a limit of its own, and check constraints. Every column can also run out of NULLs.
func (in *inputs) capacities(object string, c *change.Column) []columnUse {
	var out []columnUse
	add := func(kind, unit string, most float64, lower, length bool) {
		out = append(out, columnUse{capacity{kind, unit, most, lower}, forecast.ColumnUse{ColumnWish: forecast.ColumnWish{Name: c.Name, Length: length, OnlyNulls: kind == "not_null"}}, object})
	}
	if _, key := in.last("key.last:" + object); !key {
		switch {
		case c.TypeOID == typeInt2:
			add("integer_range", "", math.MaxInt16, false, false)
		case c.TypeOID == typeInt4:
			add("integer_range", "", math.MaxInt32, false, false)
		case c.TypeOID == typeNumeric && c.TypMod > headerSize:
			modifier := c.TypMod - headerSize
			scale := (modifier&0x7ff ^ 1024) - 1024 // it may be negative
			add("numeric_range", "", math.Pow10(int(modifier>>16-scale)), false, false)
		}
	}
	if c.TypeOID == typeVarchar && c.TypMod > headerSize {
		add("text_length", "characters", float64(c.TypMod-headerSize+1), false, true) // the first length that does not fit
	}
	if v, ok := in.fresh("key.check_length:" + object); ok {
		add("text_length", "characters", v+1, false, true)
	}
	if v, ok := in.fresh("key.check_upper:" + object); ok {
		add("check_bound", "", v, false, false)
	}
	if v, ok := in.fresh("key.check_lower:" + object); ok {
		add("check_bound", "", v, true, false)
	}
	add("not_null", "rows", 0, false, false)
	return out
}

// fresh is the last value of what is sampled again and again, if it was lately: what was dropped on the primary leaves an old one behind.
func (in *inputs) fresh(id string) (float64, bool) {
	v, ok := in.last(id)
	return v, ok && in.series[id].End().After(in.at.Add(-2*day))
}

// columnUses looks at the columns of a table that have a capacity, at most once an hour.
func (r *Runner) columnUses(ctx context.Context, in *inputs, rel change.Relation) ([]columnUse, error) {
	if u, known := r.uses[rel.OID]; known && u.version == rel.Version && in.at.Sub(u.at) < lookEvery {
		return u.found, nil
	}
	var found []columnUse
	var wishes []forecast.ColumnWish
	for i := range rel.Columns {
		for _, u := range in.capacities(rel.Schema+"."+rel.Name+"."+rel.Columns[i].Name, &rel.Columns[i]) {
			found, wishes = append(found, u), append(wishes, u.ColumnWish)
		}
	}
	uses, err := r.o.Store.ColumnUses(ctx, rel.OID, wishes, r.columns[rel.OID].name)
	if err != nil {
		return nil, err
	}
	for i := range uses {
		found[i].ColumnUse = uses[i]
	}
	r.uses[rel.OID] = columnUses{found, rel.Version, in.at}
	return found, nil
}

// value is how far the use has come, and bound how far it may, both so that more is nearer.
func (u *columnUse) value() (value, bound float64) {
	switch {
	case u.kind == "not_null":
		return -float64(u.Nulls), 0
	case u.lower:
		return -u.Min, -u.max
	}
	return u.Max, u.max
}

// share is how much of the capacity is used; 1 where it has no natural zero.
func (u *columnUse) share() float64 {
	value, bound := u.value()
	switch {
	case !measured(value) || u.kind == "not_null" && u.Nulls == 0:
		return 0
	case u.lower || bound <= 0:
		return 1
	}
	return value / bound
}

// measure is the series in which the use is stored.
func (u *columnUse) measure() string {
	switch {
	case u.kind == "not_null":
		return "key.column_nulls:" + u.object
	case u.lower:
		return "key.column_min:" + u.object
	}
	return "key.column_max:" + u.object
}

// columnSamples are the uses to be stored, so that later runs know the past.
func (t *table) columnSamples(at time.Time) []forecast.Sample {
	var out []forecast.Sample
	for i := range t.columns {
		u := &t.columns[i]
		if u.share() < storeShare || slices.ContainsFunc(out, func(s forecast.Sample) bool { return s.Series.ID == u.measure() }) {
			continue
		}
		value, _ := u.value()
		if u.lower || u.kind == "not_null" {
			value = -value
		}
		s, _ := sampler.Describe(u.measure())
		out = append(out, forecast.Sample{Series: s, At: at, Value: value})
	}
	return out
}

// columnLimits says when the columns of a table that are near their bounds reach them.
func (in *inputs) columnLimits(ctx context.Context, t *table, days int, p Params) ([]forecast.Limit, error) {
	var out []forecast.Limit
	for i := range t.columns {
		u := &t.columns[i]
		value, bound := u.value()
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s := in.useHistory(u, value)
		falling := len(s.Values) >= enough && slices.ContainsFunc(s.Values, func(v float64) bool { return v < value })
		if u.share() < tellShare || u.kind == "not_null" && !falling {
			continue
		}
		l := forecast.Limit{Kind: u.kind, Object: u.object, Unit: u.unit, Max: bound, Current: value, Note: tooLittle}
		switch {
		case value >= bound && u.lower:
			continue // such as an amount that must not be negative: it lies there for good
		case value >= bound:
			l.Note = atBound
		case len(s.Values) >= enough:
			base := 0.0 // volumes are never negative
			for _, v := range s.Values {
				if v < base {
					base = v
				}
			}
			for i := range s.Values {
				s.Values[i] -= base
			}
			fan, err := volume.Forecast(s, days, volume.Options{Level: volumeLevel, Origins: p.Origins})
			if err != nil {
				return nil, err
			}
			l = limits.Reach(limits.Ask{Kind: u.kind, Object: u.object, Unit: u.unit, Max: bound - base}, s, fan)
			l.Current, l.Max = value, bound
		}
		if u.lower || u.kind == "not_null" {
			l.Current, l.Max = -l.Current, u.max
		}
		if u.kind == "not_null" && l.Note == "" {
			l.Note = noNulls
		}
		out = append(out, l)
	}
	return out, nil
}

// useHistory is a use's past, daily up to now: what the rows of now tell by their time of creation, where that is long enough, or else what was measured.
func (in *inputs) useHistory(u *columnUse, value float64) forecast.Series {
	s := forecast.Series{ID: u.measure(), Step: day, Values: u.Daily}
	if n := int(in.at.Truncate(day).Sub(u.Start) / day); len(u.Daily) > 0 && n >= enough && !u.lower {
		s.Values = make([]float64, n)
		for i := range s.Values {
			s.Values[i] = u.Daily[min(i, len(u.Daily)-1)]
		}
		slope(s.Values)
	} else {
		stored := in.series[u.measure()]
		s.Values = slices.Clone(stored.Values[:min(len(stored.Values), max(0, int(in.at.Truncate(day).Sub(stored.Start.Truncate(day))/day)))])
		if u.lower || u.kind == "not_null" {
			for i := range s.Values {
				s.Values[i] = -s.Values[i]
			}
		}
	}
	s.Values = append(s.Values[max(0, len(s.Values)-maxDays):], value)
	s.Start = in.at.Add(-time.Duration(len(s.Values)-1) * day)
	return s
}

// slope draws the steps of a running maximum as lines from one record to the next: it seldom rises, and a model of single days would see none of it.
func slope(values []float64) {
	from := 0
	for i := 1; i < len(values); i++ {
		if !measured(values[from]) {
			from = i
		}
		if values[i] == values[from] || i == from {
			continue
		}
		first, step := values[from], (values[i]-values[from])/float64(i-from)
		for k := from; k < i; k++ {
			values[k] = first + step*float64(k-from)
		}
		from = i
	}
}
