package encode

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"foreshadow/sql/result"
	"foreshadow/sql/sqlerr"
)

// The sign words of PostgreSQL's binary numeric.
const (
	numericPositive = 0x0000
	numericNegative = 0x4000
	numericNaN      = 0xC000
	numericInf      = 0xD000
	numericMinusInf = 0xF000

	specialScale = 0x20 // what PostgreSQL happens to send as the scale of an infinity
)

func textDecimal(_ *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	at := len(dst)
	if c.Bigs != nil {
		dst = c.Bigs[i].Append(dst, 10)
	} else {
		dst = strconv.AppendInt(dst, c.Ints[i], 10)
	}
	return placePoint(dst, at, c.Scale), nil
}

// placePoint puts a decimal point before the last scale digits of the integer that starts at dst[at].
func placePoint(dst []byte, at, scale int) []byte {
	if scale <= 0 {
		return dst
	}
	if dst[at] == '-' {
		at++
	}
	for missing := scale + 1 - (len(dst) - at); missing > 0; missing-- {
		dst = append(dst, 0)
		copy(dst[at+1:], dst[at:])
		dst[at] = '0'
	}
	point := len(dst) - scale
	dst = append(dst, 0)
	copy(dst[point+1:], dst[point:])
	dst[point] = '.'
	return dst
}

func binaryDecimal(e *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	var buf [64]byte
	text, err := textDecimal(e, buf[:0], c, i)
	if err != nil {
		return dst, err
	}
	return appendNumeric(dst, text)
}

func binaryIntNumeric(_ *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	var buf [24]byte
	return appendNumeric(dst, strconv.AppendInt(buf[:0], c.Ints[i], 10))
}

// appendNumeric writes PostgreSQL's text of a numeric in its binary form: groups of four digits around the point.
func appendNumeric(dst, text []byte) ([]byte, error) {
	switch string(text) {
	case "NaN":
		return appendNumericHead(dst, 0, 0, numericNaN, 0), nil
	case "Infinity":
		return appendNumericHead(dst, 0, 0, numericInf, specialScale), nil
	case "-Infinity":
		return appendNumericHead(dst, 0, 0, numericMinusInf, specialScale), nil
	}
	sign := uint16(numericPositive)
	if len(text) > 0 && text[0] == '-' {
		sign, text = numericNegative, text[1:]
	}
	whole, frac, _ := bytes.Cut(text, []byte{'.'})
	if len(whole)+len(frac) == 0 || !allDigits(whole) || !allDigits(frac) {
		return dst, notPostgres("numeric")
	}
	whole = bytes.TrimLeft(whole, "0")
	head := len(dst)
	dst = appendNumericHead(dst, 0, 0, 0, 0)
	body, weight := len(dst), (len(whole)+3)/4-1
	dst = appendGroups(dst, whole, frac)
	skip := body
	for ; skip < len(dst) && dst[skip] == 0 && dst[skip+1] == 0; skip += 2 {
		weight--
	}
	if skip > body {
		dst = append(dst[:body], dst[skip:]...)
	}
	for len(dst) > body && dst[len(dst)-1] == 0 && dst[len(dst)-2] == 0 {
		dst = dst[:len(dst)-2]
	}
	if len(dst) == body {
		weight, sign = 0, numericPositive
	}
	appendNumericHead(dst[:head], (len(dst)-body)/2, weight, sign, len(frac))
	return dst, nil
}

// appendGroups writes the digits of both sides of the point as words of four digits each.
func appendGroups(dst, whole, frac []byte) []byte {
	for len(whole) > 0 {
		n := (len(whole)-1)%4 + 1
		dst = binary.BigEndian.AppendUint16(dst, group(whole[:n], n))
		whole = whole[n:]
	}
	for len(frac) > 0 {
		n := min(4, len(frac))
		dst = binary.BigEndian.AppendUint16(dst, group(frac[:n], 4))
		frac = frac[n:]
	}
	return dst
}

// group reads digits as a number of width digits; missing ones at the end are zeros.
func group(digits []byte, width int) uint16 {
	var v uint16
	for k := range width {
		v *= 10
		if k < len(digits) {
			v += uint16(digits[k] - '0')
		}
	}
	return v
}

func appendNumericHead(dst []byte, groups, weight int, sign uint16, scale int) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(groups))
	dst = binary.BigEndian.AppendUint16(dst, uint16(int16(weight)))
	dst = binary.BigEndian.AppendUint16(dst, sign)
	return binary.BigEndian.AppendUint16(dst, uint16(scale))
}

func allDigits(s []byte) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// numericText reads a binary numeric as PostgreSQL would print it.
func numericText(dst, src []byte) ([]byte, error) {
	bad := sqlerr.New("22P03", "incorrect binary data format in a numeric parameter")
	if len(src) < 8 {
		return dst, bad
	}
	groups, weight := int(binary.BigEndian.Uint16(src)), int(int16(binary.BigEndian.Uint16(src[2:])))
	sign, scale := binary.BigEndian.Uint16(src[4:]), int(binary.BigEndian.Uint16(src[6:]))
	switch sign {
	case numericNaN:
		return append(dst, "NaN"...), nil
	case numericInf:
		return append(dst, "Infinity"...), nil
	case numericMinusInf:
		return append(dst, "-Infinity"...), nil
	case numericNegative:
		dst = append(dst, '-')
	case numericPositive:
	default:
		return dst, bad
	}
	if len(src) != 8+2*groups || scale > 16383 {
		return dst, bad
	}
	digit := func(k int) int {
		if k < 0 || k >= groups {
			return 0
		}
		return int(binary.BigEndian.Uint16(src[8+2*k:]))
	}
	for k := range groups {
		if digit(k) > 9999 {
			return dst, bad
		}
	}
	return numericDigits(dst, weight, scale, digit), nil
}

// numericDigits writes the groups, the first without leading zeros, and scale digits after the point.
func numericDigits(dst []byte, weight, scale int, digit func(int) int) []byte {
	if weight < 0 {
		dst = append(dst, '0')
	}
	for k := 0; k <= weight; k++ {
		if k == 0 {
			dst = strconv.AppendInt(dst, int64(digit(0)), 10)
		} else {
			dst = appendPadded(dst, digit(k), 4)
		}
	}
	if scale == 0 {
		return dst
	}
	dst = append(dst, '.')
	end := len(dst) + scale
	for k := weight + 1; len(dst) < end; k++ {
		dst = appendPadded(dst, digit(k), 4)
	}
	return dst[:end]
}
