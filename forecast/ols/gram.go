// Package ols is least squares as the forecast models need it: weighted, with ridge and Huber's weights, on any number of rows
// in little memory. The models in forecast/load and forecast/volume call it; it knows nothing of series or time.
package ols

import (
	"gonum.org/v1/gonum/floats"
)

// Design is a regression problem: rows of p regressors with a target and a weight. Rows are kept in the order they came,
// so that the first k of them are the problem as it stood earlier.
type Design struct {
	p int
	z []float64 // each row is p regressors, 1, target
	w []float64
}

// NewDesign makes an empty problem of p regressors with room for rows.
func NewDesign(p, rows int) *Design {
	return &Design{p: p, z: make([]float64, 0, rows*(p+2)), w: make([]float64, 0, rows)}
}

// Row appends a row and returns its regressors for the caller to fill in. weight must not be negative.
func (d *Design) Row(target, weight float64) []float64 {
	q := d.p + 2
	n := len(d.z)
	if n+q <= cap(d.z) {
		d.z = d.z[:n+q]
	} else {
		d.z = append(d.z, make([]float64, q)...)
	}
	d.z[n+d.p], d.z[n+d.p+1] = 1, target
	d.w = append(d.w, weight)
	return d.z[n : n+d.p : n+d.p]
}

// Len is the number of rows.
func (d *Design) Len() int { return len(d.w) }

func (d *Design) row(i int) []float64 {
	q := d.p + 2
	return d.z[i*q : (i+1)*q]
}

// Gram holds the weighted sums of products of regressors, constant and target: all that least squares needs of the rows.
// Only the upper triangle is kept.
type Gram struct {
	p int
	a []float64
}

// NewGram is the Gram matrix of no rows.
func NewGram(p int) *Gram {
	return &Gram{p: p, a: make([]float64, (p+2)*(p+2))}
}

// CopyFrom makes g equal to other, which must be of the same size.
func (g *Gram) CopyFrom(other *Gram) { copy(g.a, other.a) }

// Add takes rows from up to but not including to of the design into the sums.
func (g *Gram) Add(d *Design, from, to int) {
	for i := from; i < to; i++ {
		g.addRow(d.row(i), d.w[i])
	}
}

func (g *Gram) addRow(z []float64, w float64) {
	q := g.p + 2
	for i := range q {
		if v := w * z[i]; v != 0 {
			floats.AddScaled(g.a[i*q+i:(i+1)*q], v, z[i:])
		}
	}
}

func (g *Gram) at(i, j int) float64 { return g.a[i*(g.p+2)+j] }

// weight is the sum of all weights.
func (g *Gram) weight() float64 { return g.at(g.p, g.p) }
