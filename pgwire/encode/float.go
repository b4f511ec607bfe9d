package encode

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"

	"foreshadow/sql/result"
)

// floatFormat is what differs between the two sizes of floats.
type floatFormat struct {
	bits     int
	limit    int     // decimal exponents from here on are written in scientific notation
	mantissa int     // bits of it, without the hidden one
	least    int     // exponent of the unit of the smallest numbers
	lo, hi   float64 // the range in which a short decimal can lie exactly between two neighbours
}

var (
	float4 = &floatFormat{bits: 32, limit: 6, mantissa: 23, least: -149, lo: 1 << 21, hi: 1 << 66}
	float8 = &floatFormat{bits: 64, limit: 15, mantissa: 52, least: -1074, lo: 1 << 52, hi: 1 << 110}
)

func textFloat4(_ *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	return appendFloat(dst, c.Floats[i], float4), nil
}

func textFloat8(_ *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	return appendFloat(dst, c.Floats[i], float8), nil
}

// appendFloat writes the shortest text that reads back as the same value, as PostgreSQL 12 and later do: in fixed notation while the
// decimal exponent is at least -4 and below the limit. Go and PostgreSQL find the same digits but for two cases: PostgreSQL does not take a
// decimal that lies exactly between two floats, and it rounds to an even digit where two are equally near.
func appendFloat(dst []byte, v float64, f *floatFormat) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, "NaN"...)
	case math.IsInf(v, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(v, -1):
		return append(dst, "-Infinity"...)
	}
	if math.Signbit(v) {
		dst, v = append(dst, '-'), -v
	}
	if v == 0 {
		return append(dst, '0')
	}
	var buf [32]byte
	digits, exp := scientific(buf[:0], v, f)
	if v >= f.lo && v < f.hi || halfway(v, len(digits), exp, f) && digits[len(digits)-1]%2 == 1 {
		digits, exp = exactShortest(v, len(digits), exp, f)
	}
	return layout(dst, digits, exp, f.limit)
}

// scientific gives Go's shortest digits and the decimal exponent of the first.
func scientific(buf []byte, v float64, f *floatFormat) (digits []byte, exp int) {
	buf = strconv.AppendFloat(buf, v, 'e', -1, f.bits)
	e := len(buf) - 1
	for buf[e] != 'e' {
		e--
	}
	for _, d := range buf[e+2:] {
		exp = exp*10 + int(d-'0')
	}
	if buf[e+1] == '-' {
		exp = -exp
	}
	digits = buf[:e]
	if len(digits) > 1 { // drop the point
		copy(digits[1:], digits[2:])
		digits = digits[:len(digits)-1]
	}
	return digits, exp
}

// split gives v as m * 2^e with the exponent of its unit.
func split(v float64, f *floatFormat) (m uint64, e int) {
	frac, exp := math.Frexp(v)
	e = max(exp-f.mantissa-1, f.least)
	return uint64(math.Ldexp(frac, exp-e)), e
}

// halfway says that the exact value of v has one digit more than the n shown; that digit is a 5 then.
func halfway(v float64, n, exp int, f *floatFormat) bool {
	m, e := split(v, f)
	e += bits.TrailingZeros64(m)
	return e < 0 && -e+exp+1 == n+1
}

// exactShortest finds the digits with exact arithmetic: the fewest that lie strictly between v's neighbours' midpoints, the nearest
// of those, and an even last digit between two that are equally near. n and exp come from the fast way and are lower bounds.
func exactShortest(v float64, n, exp int, f *floatFormat) ([]byte, int) {
	m, e := split(v, f)
	below := uint64(2)
	if m == 1<<f.mantissa && e > f.least {
		below = 1 // the neighbour below a power of two is half as far away
	}
	for ; ; n++ {
		unit := exp - n + 1 // candidates are whole multiples of 10^unit
		scale := big.NewInt(1)
		value, low, high := big.NewInt(0).SetUint64(4*m), big.NewInt(0).SetUint64(4*m-below), big.NewInt(0).SetUint64(4*m+2)
		power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(unit, -unit))), nil)
		if unit > 0 {
			scale.Mul(scale, power)
		}
		for _, x := range []*big.Int{value, low, high} {
			if unit < 0 {
				x.Mul(x, power)
			}
			x.Lsh(x, uint(max(e-2, 0)))
		}
		scale.Lsh(scale, uint(max(2-e, 0)))
		if found := nearest(value, low, high, scale); found != nil {
			digits := found.Append(nil, 10)
			exp = unit + len(digits) - 1
			for len(digits) > 1 && digits[len(digits)-1] == '0' {
				digits = digits[:len(digits)-1]
			}
			return digits, exp
		}
	}
}

// nearest gives the whole multiple of scale nearest to value and strictly between low and high, or nil.
func nearest(value, low, high, scale *big.Int) *big.Int {
	down := new(big.Int).Quo(value, scale)
	up := new(big.Int).Add(down, big.NewInt(1))
	below, above := new(big.Int).Mul(down, scale), new(big.Int).Mul(up, scale)
	downFits, upFits := below.Cmp(low) > 0, above.Cmp(high) < 0
	switch {
	case !downFits && !upFits:
		return nil
	case !upFits:
		return down
	case !downFits:
		return up
	}
	below.Sub(value, below)
	above.Sub(above, value)
	if c := below.Cmp(above); c < 0 || c == 0 && down.Bit(0) == 0 {
		return down
	}
	return up
}

// layout writes digits, the first of which stands for 10^exp.
func layout(dst, digits []byte, exp, limit int) []byte {
	switch {
	case exp < -4 || exp >= limit:
		dst = append(dst, digits[0])
		if len(digits) > 1 {
			dst = append(append(dst, '.'), digits[1:]...)
		}
		if exp < 0 {
			return appendPadded(append(dst, 'e', '-'), -exp, 2)
		}
		return appendPadded(append(dst, 'e', '+'), exp, 2)
	case exp < 0:
		dst = append(dst, "0.0000"[:1-exp]...)
		return append(dst, digits...)
	case len(digits) <= exp+1:
		dst = append(dst, digits...)
		return append(dst, "000000000000000"[:exp+1-len(digits)]...)
	}
	dst = append(dst, digits[:exp+1]...)
	return append(append(dst, '.'), digits[exp+1:]...)
}
