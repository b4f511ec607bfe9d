package types

import "fmt"

// Precision reads the precision and scale out of a numeric's type modifier; ok is false for an unconstrained numeric.
func Precision(typmod int32) (precision, scale int, ok bool) {
	if typmod < 4 {
		return 0, 0, false
	}
	m := typmod - 4
	scale = int(m & 0x7ff)
	if scale > 1000 { // negative scales are stored in eleven bits of two's complement
		scale -= 2048
	}
	return int(m >> 16 & 0xffff), scale, true
}

func decimal(precision, scale int) string { return fmt.Sprintf("DECIMAL(%d,%d)", precision, scale) }
