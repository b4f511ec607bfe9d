package ols

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// ErrSingular says that the regressors do not determine the coefficients: too few rows, or columns that depend on each other.
var ErrSingular = errors.New("regressors are collinear or too few rows")

// Fit is a fitted line: Intercept + Slopes . x.
type Fit struct {
	Intercept float64
	Slopes    []float64
}

// At is the fitted value for regressors x.
func (f Fit) At(x []float64) float64 { return f.Intercept + floats.Dot(f.Slopes, x) }

// centred gives the moments about the weighted means, with ridge times the sum of weights on the diagonal.
func (g *Gram) centred(ridge float64) (sxx *mat.SymDense, sxy, xbar []float64, ybar float64) {
	p, w := g.p, g.weight()
	data := make([]float64, p*p)
	sxy, xbar = make([]float64, p), make([]float64, p)
	ybar = g.at(p, p+1) / w
	for i := range p {
		xbar[i] = g.at(i, p) / w
		sxy[i] = g.at(i, p+1) - w*xbar[i]*ybar
	}
	for i := range p {
		for j := i; j < p; j++ {
			data[i*p+j] = g.at(i, j) - w*xbar[i]*xbar[j]
		}
		data[i*p+i] += ridge * w
	}
	return mat.NewSymDense(p, data), sxy, xbar, ybar
}

// Solve is ridge least squares with an unpenalised intercept, by Cholesky. ridge is relative to the sum of weights.
func (g *Gram) Solve(ridge float64) (Fit, error) {
	if g.p == 0 || !(g.weight() > 0) {
		return Fit{}, ErrSingular
	}
	sxx, sxy, xbar, ybar := g.centred(ridge)
	var chol mat.Cholesky
	if !chol.Factorize(sxx) || chol.Cond() > 1e14 {
		return Fit{}, ErrSingular
	}
	slopes := mat.NewVecDense(g.p, nil)
	if err := chol.SolveVecTo(slopes, mat.NewVecDense(g.p, sxy)); err != nil {
		return Fit{}, ErrSingular
	}
	return newFit(slopes.RawVector().Data, xbar, ybar)
}

func newFit(slopes, xbar []float64, ybar float64) (Fit, error) {
	f := Fit{Intercept: ybar - floats.Dot(slopes, xbar), Slopes: slopes}
	if floats.HasNaN(slopes) || math.IsNaN(f.Intercept) || math.IsInf(f.Intercept, 0) {
		return Fit{}, ErrSingular
	}
	return f, nil
}

// Huber says how rows far from the line are weighed down (Huber, 1964).
type Huber struct {
	K      float64 // residuals beyond K robust standard deviations lose weight
	Passes int     // reweighting passes
	Ridge  float64
}

// Fit solves the problem of the design's first rows robustly and gives the Gram matrix of the last weights, from which Regress makes
// the same coefficients. base must be the Gram matrix of those rows. start, when given, is a fit to weigh by at once.
// Only the rows that lose weight are touched in each pass, so a pass costs little more than the residuals.
func (h Huber) Fit(d *Design, rows int, base *Gram, start *Fit) (Fit, *Gram, error) {
	var fit Fit
	var err error
	if start == nil {
		if fit, err = base.Solve(h.Ridge); err != nil {
			return Fit{}, nil, err
		}
	} else {
		fit = *start
	}
	g := NewGram(d.p)
	g.CopyFrom(base)
	residuals := make([]float64, rows)
	spread := make([]float64, 0, rows)
	for range h.Passes {
		spread = spread[:0]
		for i := range residuals {
			z := d.row(i)
			residuals[i] = z[d.p+1] - fit.At(z[:d.p])
			spread = append(spread, math.Abs(residuals[i]))
		}
		limit := h.K * 1.4826 * medianInPlace(spread)
		if !(limit > 0) {
			break
		}
		g.CopyFrom(base)
		for i, r := range residuals {
			if r = math.Abs(r); r > limit {
				g.addRow(d.row(i), d.w[i]*(limit/r-1))
			}
		}
		next, err := g.Solve(h.Ridge)
		if err != nil {
			break
		}
		fit = next
	}
	return fit, g, nil
}
