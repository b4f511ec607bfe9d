package load

import "foreshadow/forecast"

// seasonalNaive repeats the last season; without one, which is one of a step, the last value.
func seasonalNaive(s season) func(*prepared, int, int) []float64 {
	return func(p *prepared, origin, horizon int) []float64 {
		m := p.season(s)
		if m == 0 || origin < m {
			return nil
		}
		out := make([]float64, horizon)
		for k := range out {
			out[k] = p.onScale[origin-m+k%m]
		}
		return out
	}
}

// phaseMedian is the median of the values at the same place in each of the last seasons, such as the hour of the day or of the week.
func phaseMedian(s season, seasons int) func(*prepared, int, int) []float64 {
	return func(p *prepared, origin, horizon int) []float64 {
		m := p.season(s)
		if m == 0 || origin < 2*m {
			return nil
		}
		out := make([]float64, horizon)
		for k := range out {
			if k >= m {
				out[k] = out[k-m]
				continue
			}
			var same []float64
			for i := origin - m + k; i >= 0 && len(same) < seasons; i -= m {
				same = append(same, p.onScale[i])
			}
			out[k] = forecast.Median(same)
		}
		return out
	}
}

// naive repeats the last value.
func naive(p *prepared, origin, horizon int) []float64 {
	return level(p.onScale[origin-1], horizon)
}

// seasonMedian is the median of the last cycle at every step.
func seasonMedian(p *prepared, origin, horizon int) []float64 {
	m := max(p.cycle, min(7, origin))
	if origin < m {
		return nil
	}
	return level(forecast.Median(p.onScale[origin-m:origin]), horizon)
}

func level(v float64, horizon int) []float64 {
	out := make([]float64, horizon)
	for k := range out {
		out[k] = v
	}
	return out
}
