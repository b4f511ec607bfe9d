package ols

import "math"

// medianInPlace is the middle of the values (the upper one of two), which it reorders; NaN for none. It selects rather than sorts,
// because it runs in every pass of Huber's weights.
func medianInPlace(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	k := len(v) / 2
	lo, hi := 0, len(v)-1
	for lo < hi {
		pivot := middleOf(v[lo], v[(lo+hi)/2], v[hi])
		i, j := lo, hi
		for i <= j {
			for v[i] < pivot {
				i++
			}
			for v[j] > pivot {
				j--
			}
			if i <= j {
				v[i], v[j] = v[j], v[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return v[k]
		}
	}
	return v[k]
}

// middleOf is the median of three.
func middleOf(a, b, c float64) float64 { return max(min(a, b), min(max(a, b), c)) }
