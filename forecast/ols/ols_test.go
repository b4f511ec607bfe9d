package ols

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// sample is a regression problem with known slopes and a little noise.
func sample(p, n int, seed uint64) *Design {
	r := rand.New(rand.NewPCG(seed, 1))
	d := NewDesign(p, n)
	for range n {
		row := make([]float64, p)
		y := 3.0
		for j := range row {
			row[j] = r.NormFloat64() + 2
			y += float64(j+1) * row[j]
		}
		copy(d.Row(y+0.01*r.NormFloat64(), 0.5+r.Float64()), row)
	}
	return d
}

func whole(d *Design) *Gram {
	g := NewGram(d.p)
	g.Add(d, 0, d.Len())
	return g
}

func TestRegressIsExact(t *testing.T) {
	t.Parallel()
	for _, p := range []int{1, 2, 9, 34} {
		for _, ridge := range []float64{0, 1e-3} {
			g := whole(sample(p, 300, uint64(p)))
			a, errA := g.Solve(ridge)
			b, errB := g.Regress(ridge)
			if errA != nil || errB != nil {
				t.Fatalf("p %d: %v, %v", p, errA, errB)
			}
			if d := math.Abs(a.Intercept - b.Intercept); d > 1e-9 {
				t.Errorf("p %d ridge %v: intercepts %v and %v", p, ridge, a.Intercept, b.Intercept)
			}
			for j := range a.Slopes {
				if d := math.Abs(a.Slopes[j] - b.Slopes[j]); d > 1e-10 {
					t.Errorf("p %d ridge %v slope %d: %v and %v", p, ridge, j, a.Slopes[j], b.Slopes[j])
				}
			}
		}
	}
}

func TestSolveFindsSlopes(t *testing.T) {
	t.Parallel()
	f, err := whole(sample(5, 400, 7)).Solve(0)
	if err != nil {
		t.Fatal(err)
	}
	for j, b := range f.Slopes {
		if math.Abs(b-float64(j+1)) > 0.01 {
			t.Errorf("slope %d is %v", j, b)
		}
	}
	if math.Abs(f.At([]float64{0, 0, 0, 0, 0})-3) > 0.05 {
		t.Errorf("intercept is %v", f.Intercept)
	}
}

func TestHuberIgnoresOutliers(t *testing.T) {
	t.Parallel()
	d := sample(2, 200, 3)
	for i := 0; i < 200; i += 10 {
		d.z[i*4+3] += 500
	}
	plain, _ := whole(d).Solve(0)
	robust, g, err := Huber{K: 2, Passes: 10}.Fit(d, d.Len(), whole(d), nil)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(robust.Intercept-3) > 0.5 || math.Abs(plain.Intercept-3) < 2 {
		t.Errorf("intercepts: robust %v, plain %v, true 3", robust.Intercept, plain.Intercept)
	}
	again, err := g.Solve(0)
	if err != nil || math.Abs(again.Intercept-robust.Intercept) > 1e-9 {
		t.Errorf("the last sums give %v, %v", again, err)
	}
}

func TestSingular(t *testing.T) {
	t.Parallel()
	d := NewDesign(2, 4)
	for i := range 4 {
		row := d.Row(float64(i), 1)
		row[0], row[1] = float64(i), 2*float64(i)
	}
	for name, g := range map[string]*Gram{"collinear": whole(d), "no rows": NewGram(2)} {
		if _, err := g.Solve(0); !errors.Is(err, ErrSingular) {
			t.Errorf("%s: Solve says %v", name, err)
		}
		if _, err := g.Regress(0); !errors.Is(err, ErrSingular) {
			t.Errorf("%s: Regress says %v", name, err)
		}
	}
}

func TestMedianInPlace(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SliceOfN(rapid.Float64Range(-5, 5), 1, 60).Draw(t, "v")
		sorted := slices.Clone(v)
		slices.Sort(sorted)
		if got := medianInPlace(v); got != sorted[len(sorted)/2] {
			t.Fatalf("%v of %v", got, sorted)
		}
	})
}
