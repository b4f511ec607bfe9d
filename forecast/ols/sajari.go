package ols

import (
	"fmt"

	"github.com/sajari/regression"
	"gonum.org/v1/gonum/mat"
)

// Regress solves the same problem as Solve through sajari/regression, exactly. That library materialises a matrix of rows x rows and
// knows neither weights nor ridge, so it is given 2p rows that have the same normal equations: the Cholesky factor of the centred moments
// and its mirror image, whose intercept is zero. Cost grows with p squared and not with the rows; meant for final coefficients of few regressors.
func (g *Gram) Regress(ridge float64) (Fit, error) {
	if g.p == 0 || !(g.weight() > 0) {
		return Fit{}, ErrSingular
	}
	p := g.p
	sxx, sxy, xbar, ybar := g.centred(ridge)
	var chol mat.Cholesky
	if !chol.Factorize(sxx) || chol.Cond() > 1e14 {
		return Fit{}, ErrSingular
	}
	var upper mat.TriDense
	chol.UTo(&upper)
	z := mat.NewVecDense(p, nil)
	if err := z.SolveVec(upper.T(), mat.NewVecDense(p, sxy)); err != nil {
		return Fit{}, ErrSingular
	}
	r := new(regression.Regression)
	r.SetObserved("y")
	for range 2 - min(p-1, 1) { // the library wants more than two rows
		for i := range p {
			row, mirror := make([]float64, p), make([]float64, p)
			for j := i; j < p; j++ {
				row[j] = upper.At(i, j)
				mirror[j] = -row[j]
			}
			r.Train(regression.DataPoint(z.AtVec(i), row), regression.DataPoint(-z.AtVec(i), mirror))
		}
	}
	if err := r.Run(); err != nil {
		return Fit{}, fmt.Errorf("run the regression: %w", err)
	}
	return newFit(r.GetCoeffs()[1:], xbar, ybar)
}
