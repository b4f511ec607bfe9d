package predict

import (
	"cmp"
	"slices"
	"time"

	"foreshadow/forecast"
	"foreshadow/forecast/limits"
	"foreshadow/forecast/volume"
)

// The facts of PostgreSQL that limit a table: blocks and out-of-line values are numbered by 32 bits, and a TOAST table holds at most four chunks, each
// of another value at worst, in a page of 8 kB.
const (
	maxTableBytes  = 8192 * (1<<32 - 1)
	maxToastValues = 1 << 32
	bytesPerChunk  = 2048
	nearSize       = 0.001 // of the limit: smaller tables are only looked at when none is larger
)

// whenPast says what comes when the rows of now lie beyond the last range of a partitioned table.
func (in *inputs) whenPast(object string) string {
	if rest, _ := in.last("key.partition_default:" + object); rest > 0 {
		return "then rows go to the default partition"
	}
	return "then rows find no partition"
}

// untilLimit is the end of a table partitioned by time: rows are taken to lie in the present, so that the date is exact.
func (in *inputs) untilLimit(object string, p Params) (forecast.Limit, bool) {
	end, ok := in.fresh("key.partition_until:" + object)
	if !ok {
		return forecast.Limit{}, false
	}
	l := forecast.Limit{Kind: "partition_range", Object: object, Unit: "seconds since 1970", Current: float64(in.at.Unix()), Max: end, Note: limits.NoneInSight}
	if at := time.Unix(int64(end), 0).UTC(); at.Sub(in.at) <= p.LimitHorizon {
		l.P10, l.P50, l.P90, l.Note = at, at, at, in.whenPast(object)
	}
	return l, true
}

// partitionLimit is the end of a table partitioned by a number, which its key reaches.
func (in *inputs) partitionLimit(object string, days int, p Params) (forecast.Limit, bool, error) {
	end, ok := in.fresh("key.partition_end:" + object)
	if !ok {
		return forecast.Limit{}, false, nil
	}
	l, ok, err := in.keyLimit(object, end, days, p)
	if err != nil {
		return l, false, err
	}
	if !ok {
		l = forecast.Limit{Object: object, Max: end, Unit: "ids", Note: tooLittle}
	}
	l.Kind = "partition_range"
	if !l.P10.IsZero() {
		l.Note = in.whenPast(object)
	}
	return l, true, nil
}

// sizeLimits says when a table's own file and its TOAST table reach their greatest sizes: the largest of each, and others that come near.
func (in *inputs) sizeLimits(days int, p Params) ([]forecast.Limit, error) {
	most, known := in.last("limit.table_bytes")
	if !known {
		most = maxTableBytes
	}
	var out []forecast.Limit
	for _, k := range []struct {
		kind, unit string
		max, per   float64 // bytes for each unit
		bytes      func(*table) float64
	}{
		{"table_size", "bytes", most, 1, func(t *table) float64 { return t.heap }},
		{"toast_size", "bytes", most, 1, func(t *table) float64 { return t.toast }},
		{"toast_values", "values at most", maxToastValues, bytesPerChunk, func(t *table) float64 { return t.toast }},
	} {
		if len(in.tables) == 0 {
			break
		}
		largest := slices.MaxFunc(in.tables, func(a, b table) int { return cmp.Compare(k.bytes(&a), k.bytes(&b)) })
		for i := range in.tables {
			t := &in.tables[i]
			now := k.bytes(t) / k.per
			if now == 0 || t.relation != largest.relation && now < nearSize*k.max {
				continue
			}
			l := forecast.Limit{Kind: k.kind, Object: t.relation, Unit: k.unit, Current: now, Max: k.max, Note: tooLittle}
			if s := t.past(); len(s.Values) >= enough && t.rows > 0 {
				s = t.scaled("volume.heap_bytes:"+t.relation, now/t.rows)
				fan, err := volume.Forecast(s, days, volume.Options{Level: volumeLevel, Origins: p.Origins})
				if err != nil {
					return nil, err
				}
				l = limits.Reach(limits.Ask{Kind: k.kind, Object: t.relation, Unit: k.unit, Max: k.max}, s, fan)
			} else if now < tellShare*k.max {
				l.Note = limits.NoneInSight
			}
			out = append(out, l)
		}
	}
	return out, nil
}
