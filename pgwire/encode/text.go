package encode

import (
	"encoding/hex"
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
