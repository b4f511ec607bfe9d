package encode

import (
	"encoding/hex"
	"math"
	"strconv"

	"foreshadow/sql/result"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// pickText chooses the text form of a kind.
func pickText(kind result.Kind, f result.Field) (appendFunc, error) {
	switch kind {
	case result.Text:
		return encoded, nil
	case result.Bool:
		return textBool, nil
	case result.Int:
		if f.TypeOID == types.LSN {
			return textLSN, nil
		}
		return textInt, nil
	case result.Float:
		if f.TypeOID == types.Float4 {
			return textFloat4, nil
		}
		return textFloat8, nil
	case result.Decimal:
		return textDecimal, nil
	case result.Bytea:
		return textBytea, nil
	case result.Date:
		return textDate, nil
	case result.Time:
		return textTime, nil
	case result.Timestamp:
		if f.TypeOID == types.TimestampTZ {
			return textTimestampTZ, nil
		}
		return textTimestamp, nil
	case result.Interval:
		return textInterval, nil
	case result.UUID:
		return textUUID, nil
	}
	return nil, sqlerr.New(sqlerr.Internal, "column %q has an unknown kind %d", f.Name, kind)
}

func textBool(_ *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	if c.Ints[i] != 0 {
		return append(dst, 't'), nil
	}
	return append(dst, 'f'), nil
}

func textInt(_ *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	return strconv.AppendInt(dst, c.Ints[i], 10), nil
}

func textLSN(_ *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	return appendLSN(dst, uint64(c.Ints[i])), nil
}

// appendLSN writes a WAL position as its two halves in upper-case hexadecimal.
func appendLSN(dst []byte, v uint64) []byte {
	dst = append(appendUpperHex(dst, uint32(v>>32)), '/')
	return appendUpperHex(dst, uint32(v))
}

func appendUpperHex(dst []byte, v uint32) []byte {
	at := len(dst)
	dst = strconv.AppendUint(dst, uint64(v), 16)
	for i := at; i < len(dst); i++ {
		if dst[i] >= 'a' {
			dst[i] -= 'a' - 'A'
		}
	}
	return dst
}

func textFloat4(_ *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	return appendFloat(dst, c.Floats[i], 32, 6), nil
}

func textFloat8(_ *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	return appendFloat(dst, c.Floats[i], 64, 15), nil
}

// appendFloat writes the shortest text that reads back as the same value, in fixed notation while the decimal exponent is
// at least -4 and below limit, as PostgreSQL 12 and later do.
func appendFloat(dst []byte, v float64, bits, limit int) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, "NaN"...)
	case math.IsInf(v, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(v, -1):
		return append(dst, "-Infinity"...)
	}
	var buf [32]byte
	sci := strconv.AppendFloat(buf[:0], v, 'e', -1, bits)
	e := len(sci) - 1
	for sci[e] != 'e' {
		e--
	}
	exp := 0
	for _, d := range sci[e+2:] {
		exp = exp*10 + int(d-'0')
	}
	if sci[e+1] == '-' {
		exp = -exp
	}
	if exp < -4 || exp >= limit {
		return append(dst, sci...)
	}
	return strconv.AppendFloat(dst, v, 'f', -1, bits)
}

func textBytea(_ *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	return hex.AppendEncode(append(dst, '\\', 'x'), c.Bytes[i]), nil
}

func textUUID(_ *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	u := c.Bytes[i]
	if len(u) != 16 {
		return dst, sqlerr.New(sqlerr.Internal, "a uuid has %d bytes", len(u))
	}
	return appendUUID(dst, u), nil
}

func appendUUID(dst, u []byte) []byte {
	for k, end := range [...]int{4, 6, 8, 10, 16} {
		if k > 0 {
			dst = append(dst, '-')
		}
		start := [...]int{0, 4, 6, 8, 10}[k]
		dst = hex.AppendEncode(dst, u[start:end])
	}
	return dst
}
