package forecast

import (
	"math"
	"testing"
)

func TestMeasures(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	for name, c := range map[string]struct{ got, want float64 }{
		"median of even":       {Median([]float64{4, 1, 3, 2}), 2.5},
		"median of none":       {Median(nil), nan},
		"quarter":              {Quantile([]float64{1, 2, 3, 4, 5}, 0.25), 2},
		"beyond":               {Quantile([]float64{1, 2, 3}, 1), 3},
		"conformal":            {ConformalOfSorted([]float64{1, 2, 3, 4}, 0.6), 3},
		"conformal of few":     {ConformalOfSorted([]float64{1, 2}, 0.95), 2},
		"normal":               {math.Round(NormalQuantile(0.975)*1e4) / 1e4, 1.96},
		"smape":                {SMAPE([]float64{100, nan, 0}, []float64{50, 7, 0}), 100.0 / 3},
		"seasonal scale":       {SeasonalScale([]float64{1, 2, 3, 6}, 2), 3},
		"scale of a short one": {SeasonalScale([]float64{1, 3}, 24), 2},
		"scale of one":         {SeasonalScale([]float64{1}, 24), nan},
		"interval score":       {IntervalScore([]float64{5, 12}, []float64{0, 0}, []float64{10, 10}, 95), 10 + 40*2/2.0},
	} {
		if math.Abs(c.got-c.want) > 1e-9 || math.IsNaN(c.got) != math.IsNaN(c.want) {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	if err := Check(Series{Values: []float64{1}}, 10, 95); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"horizon": Check(Series{}, MaxHorizon+1, 0), "level": Check(Series{}, 1, math.NaN()), "step": Check(Series{Step: -1}, 1, 0), "dates": Check(Series{Step: math.MaxInt64}, 2, 0),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
