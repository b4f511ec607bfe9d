package load

import (
	"math"
	"slices"

	"foreshadow/forecast"
)

// maxTraining bounds the values that models look back on, so that a long history of short steps stays affordable.
const maxTraining = 12_000

// valueCap bounds values taken into account, so that no sum of products overflows.
const valueCap = 1e140

// prepared is a series made ready: without leading gaps, gaps filled, on the models' scales.
type prepared struct {
	first       int       // index in the series of values[0]
	values      []float64 // as measured; NaN where missing
	filled      []float64
	missing     []bool
	seasons     []int // ascending, at least one, each no longer than the values; a season of one step is none
	assumed     int   // the one of seasons that was not found in the values; 0 where there is none
	cycle       int   // see func cycle
	nonNegative bool
	scale       scale     // log where the values allow it
	onScale     []float64 // filled, on scale
	raw         scale
	onRaw       []float64
}

// scale maps values to where the models work: centred, of unit spread, logarithmic or not.
type scale struct {
	log        bool
	offset     float64 // added before the logarithm
	mean, unit float64
	lo, hi     float64 // what a path is clipped to
}

func (s scale) to(v float64) float64 {
	if s.log {
		v = math.Log(v + s.offset)
	}
	return (v - s.mean) / s.unit
}

func (s scale) back(v float64) float64 {
	v = v*s.unit + s.mean
	if s.log {
		return math.Exp(v) - s.offset
	}
	return v
}

func (s scale) clip(v float64) float64 { return min(max(v, s.lo), s.hi) }

// prepare trims and fills the series and finds its scales.
func prepare(s forecast.Series, opt Options) (*prepared, error) {
	from := slices.IndexFunc(s.Values, finite)
	if from < 0 {
		return nil, forecast.ErrNoValues
	}
	if len(s.Values)-from > maxTraining {
		from = len(s.Values) - maxTraining
		next := slices.IndexFunc(s.Values[from:], finite)
		if next < 0 {
			return nil, forecast.ErrNoValues
		}
		from += next
	}
	p := &prepared{first: from, values: slices.Clone(s.Values[from:]), nonNegative: true}
	p.missing = make([]bool, len(p.values))
	for i, v := range p.values {
		if !finite(v) {
			p.values[i], p.missing[i] = math.NaN(), true
			continue
		}
		p.values[i] = min(max(v, -valueCap), valueCap)
		p.nonNegative = p.nonNegative && v >= 0
	}
	seasons := opt.Seasons
	if seasons == nil {
		p.fillAndScale(1)
		seasons, p.assumed = findSeasons(p.measuredOnScale(), calendar(s.Step))
		seasons = append(seasons, p.assumed)
	}
	p.seasons = usable(seasons, len(p.values))
	p.cycle = cycle(p.seasons[0], s.Step, len(p.values))
	p.fillAndScale(p.seasons[0])
	p.raw, p.onRaw = p.scale, p.onScale
	if p.scale.log {
		p.raw, p.onRaw = p.makeScale(false)
	}
	return p, nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// fillAndScale fills gaps by a season and puts the values on the models' scale.
func (p *prepared) fillAndScale(season int) {
	p.filled = fill(p.values, season)
	p.scale, p.onScale = p.makeScale(p.nonNegative)
}

// measuredOnScale are the values on the models' scale, NaN where missing.
func (p *prepared) measuredOnScale() []float64 {
	out := slices.Clone(p.onScale)
	for i, missing := range p.missing {
		if missing {
			out[i] = math.NaN()
		}
	}
	return out
}

// fill replaces gaps: a short one by the line between its ends, a long one by the values a season before (after, at the start).
func fill(values []float64, season int) []float64 {
	out := slices.Clone(values)
	for i := 0; i < len(out); i++ {
		if !math.IsNaN(out[i]) {
			continue
		}
		end := i
		for end < len(out) && math.IsNaN(values[end]) {
			end++
		}
		for k := i; k < end; k++ {
			switch {
			case end-i > 3 && k >= season:
				out[k] = out[k-season]
			case end < len(out):
				out[k] = out[i-1] + (values[end]-out[i-1])*float64(k-i+1)/float64(end-i+1)
			default:
				out[k] = out[k-1]
			}
		}
		i = end
	}
	return out
}

// makeScale finds a scale for the filled values and puts them on it. With zeros the logarithm is of value plus a tenth of the usual value.
func (p *prepared) makeScale(log bool) (scale, []float64) {
	s := scale{unit: 1, log: log}
	if log && slices.Min(p.filled) <= 0 {
		positive := slices.DeleteFunc(slices.Clone(p.filled), func(v float64) bool { return v <= 0 })
		s.offset = 0.1 * forecast.Median(positive)
		s.log = len(positive)*2 > len(p.filled) && s.offset > 0
	}
	out := make([]float64, len(p.filled))
	for i, v := range p.filled {
		out[i] = s.to(v)
	}
	mean, spread := moments(out)
	if !(spread > 1e-12*(1+math.Abs(mean))) {
		spread = 1
	}
	s.mean, s.unit = mean, spread
	for i := range out {
		out[i] = (out[i] - mean) / spread
	}
	lo, hi := slices.Min(out), slices.Max(out)
	s.lo, s.hi = lo-clipRange*(hi-lo), hi+clipRange*(hi-lo)
	return s, out
}

// clipRange is how far beyond what was seen a path may go, in ranges of what was seen.
const clipRange = 0.5

func moments(values []float64) (mean, spread float64) {
	n := float64(len(values))
	for _, v := range values {
		mean += v / n
	}
	for _, v := range values {
		spread += (v - mean) * (v - mean) / n
	}
	return mean, math.Sqrt(spread)
}
