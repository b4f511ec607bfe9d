package hazard

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// size is the number of coefficients: an intercept and one for each feature.
const size = features + 1

// coefficients are a logistic regression on standardised features, the intercept first.
type coefficients [size]float64

// example is a table at an earlier day with what came of it.
type example struct {
	x      [size]float64 // standardised, 1 first
	y      bool
	weight float64
}

// chance is the probability that the coefficients give.
func (c *coefficients) chance(x *[size]float64) float64 {
	z := 0.0
	for i, v := range x {
		z += c[i] * v
	}
	return 1 / (1 + math.Exp(-z))
}

// fit finds the most probable coefficients after the examples, when before them each was normal about prior with the given precision, by Newton's
// steps. What no step improves any more is the result; examples that say nothing leave the prior.
func fit(prior coefficients, precision [size]float64, examples []example) coefficients {
	c := prior
	best := loss(&c, &prior, &precision, examples)
	for range 50 {
		step, ok := newton(&c, &prior, &precision, examples)
		if !ok {
			return c
		}
		improved := false
		for scale := 1.0; scale > 1e-4; scale /= 2 {
			next := c
			for i := range next {
				next[i] -= scale * step[i]
			}
			if l := loss(&next, &prior, &precision, examples); l < best-1e-9 {
				c, best, improved = next, l, true
				break
			}
		}
		if !improved {
			return c
		}
	}
	return c
}

func loss(c, prior *coefficients, precision *[size]float64, examples []example) float64 {
	sum := 0.0
	for i := range c {
		sum += precision[i] * (c[i] - prior[i]) * (c[i] - prior[i]) / 2
	}
	for i := range examples {
		p := c.chance(&examples[i].x)
		if !examples[i].y {
			p = 1 - p
		}
		sum -= examples[i].weight * math.Log(max(p, 1e-12))
	}
	return sum
}

// newton is the step to subtract.
func newton(c, prior *coefficients, precision *[size]float64, examples []example) ([]float64, bool) {
	gradient := mat.NewVecDense(size, nil)
	hessian := mat.NewSymDense(size, nil)
	for i := range size {
		gradient.SetVec(i, precision[i]*(c[i]-prior[i]))
		hessian.SetSym(i, i, precision[i]+1e-9)
	}
	g, h := gradient.RawVector().Data, hessian.RawSymmetric()
	for k := range examples {
		e := &examples[k]
		p := c.chance(&e.x)
		d, v := e.weight*p, e.weight*p*(1-p)
		if e.y {
			d -= e.weight
		}
		for i := range size {
			g[i] += d * e.x[i]
			for j := i; j < size; j++ {
				h.Data[i*h.Stride+j] += v * e.x[i] * e.x[j]
			}
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(hessian) {
		return nil, false
	}
	step := mat.NewVecDense(size, nil)
	if err := chol.SolveVecTo(step, gradient); err != nil {
		return nil, false
	}
	return step.RawVector().Data, true
}
