package seed

import (
	"bytes"
	"encoding/hex"
	"math"
	"math/big"
	"testing"

	"foreshadow/sql/result"
	"foreshadow/sql/types"
)

// TestTextForms holds the texts of values that are easy to get wrong.
func TestTextForms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		col  result.Column
		oid  uint32
		want string
	}{
		{result.Column{Kind: result.Text, Bytes: [][]byte{[]byte("a\tb\\c\nd\re")}}, types.Text, `a\tb\\c\nd\re`},
		{result.Column{Kind: result.Date, Ints: []int64{0}}, types.Date, "2000-01-01"},
		{result.Column{Kind: result.Date, Ints: []int64{-730119}}, types.Date, "0001-01-01"},
		{result.Column{Kind: result.Date, Ints: []int64{-730120}}, types.Date, "0001-12-31 BC"},
		{result.Column{Kind: result.Date, Ints: []int64{math.MaxInt64}}, types.Date, "infinity"},
		{result.Column{Kind: result.Time, Ints: []int64{86400e6}}, types.Time, "24:00:00"},
		{result.Column{Kind: result.Timestamp, Ints: []int64{-1}}, types.Timestamp, "1999-12-31 23:59:59.999999"},
		{result.Column{Kind: result.Timestamp, Ints: []int64{1e6}}, types.TimestampTZ, "2000-01-01 00:00:01+00"},
		{result.Column{Kind: result.Timestamp, Ints: []int64{math.MinInt64}}, types.TimestampTZ, "-infinity"},
		{result.Column{Kind: result.Int, Ints: []int64{0x16_B374D848}}, types.LSN, "16/B374D848"},
		{result.Column{Kind: result.Float, Floats: []float64{math.Inf(-1)}}, types.Float8, "-Infinity"},
		{result.Column{Kind: result.Decimal, Scale: 3, Ints: []int64{-5}}, types.Numeric, "-0.005"},
		{result.Column{Kind: result.Decimal, Scale: 2, Bigs: []*big.Int{new(big.Int).Exp(big.NewInt(10), big.NewInt(30), nil)}}, types.Numeric, "10000000000000000000000000000.00"},
		{result.Column{Kind: result.Bytea, Bytes: [][]byte{{0, 255}}}, types.Bytea, `\\x00ff`},
		{result.Column{Kind: result.Interval, Intervals: []result.Span{{Months: -1, Days: 2, Micros: -3}}}, types.Interval, "-1 mons 2 days -3 microseconds"},
	} {
		got, err := appendTextValue(nil, &c.col, 0, c.oid)
		if err != nil || string(got) != c.want {
			t.Errorf("%+v is %q, %v; want %q", c.col, got, err, c.want)
		}
	}
}

// TestBinaryNumeric holds PostgreSQL's own numeric_send of these values.
func TestBinaryNumeric(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, want string
		scale      int
	}{
		{"0.00", "0000000000000002", 2}, {"12345.67", "0003000100000002000109291a2c", 2}, {"-0.005", "0001ffff400000030032", 3},
		{"10000", "00010001000000000001", 0}, {"0.00001234", "0001fffe0000000804d2", 8}, {"-99.5", "000200004000000100631388", 1},
	} {
		want, err := hex.DecodeString(c.want)
		if got := appendNumeric(nil, c.text, c.scale); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is %x, want %s", c.text, got, c.want)
		}
	}
}
