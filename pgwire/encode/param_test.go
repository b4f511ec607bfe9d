package encode

import (
	"context"
	"math/big"
	"testing"

	"foreshadow/agent/pgtest"
	"foreshadow/sql/result"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// TestParametersMeanTheSame gives PostgreSQL the text made of a binary parameter, and gets the same value back.
func TestParametersMeanTheSame(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t).Conn(t, "postgres").PgConn()
	for _, s := range samples {
		bin, oid := fetch(t, pg, s.typ, s.values, 1)
		for i, v := range bin {
			text, err := ParamText(oid, 1, v)
			if err != nil {
				t.Errorf("%s %s: %v", s.typ, s.values[i], err)
				continue
			}
			res := pg.ExecParams(context.Background(), "SELECT CAST($1::text AS "+s.typ+")", [][]byte{[]byte(*text)}, nil, nil, []int16{1}).Read()
			if res.Err != nil {
				t.Errorf("%s %s as %q: %v", s.typ, s.values[i], *text, res.Err)
				continue
			}
			if string(res.Rows[0][0]) != string(v) {
				t.Errorf("%s %s became %q, which is another value", s.typ, s.values[i], *text)
			}
		}
	}
}

// TestBadParameters names the error for bytes that are not of the type.
func TestBadParameters(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		oid    uint32
		format int16
		value  []byte
		code   string
	}{
		{types.Int4, 1, []byte{1, 2}, "22P03"},
		{types.Text, 0, []byte{0xff}, "22021"},
		{types.Text, 1, []byte("a\x00b"), "22021"},
		{types.Text, 2, []byte("a"), "22023"},
		{types.JSONB, 1, []byte("\x02{}"), "22P03"},
		{types.Numeric, 1, []byte{0, 9, 0, 0, 0, 0, 0, 0}, "22P03"},
		{types.Numeric, 1, []byte{0, 1, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, "22P03"},
		{types.Time, 1, []byte{0x7f, 0, 0, 0, 0, 0, 0, 0}, "22008"},
		{1007, 1, []byte{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1}, "22P03"},
		{999999, 1, []byte("x"), "0A000"},
	} {
		if _, err := ParamText(c.oid, c.format, c.value); sqlerr.Code(err) != c.code {
			t.Errorf("type %d %x: got %v, want %s", c.oid, c.value, err, c.code)
		}
	}
	if v, err := ParamText(types.Int4, 1, nil); v != nil || err != nil {
		t.Errorf("NULL became %v, %v", v, err)
	}
}

// FuzzParamText looks for bytes that make decoding fail in another way than by an error.
func FuzzParamText(f *testing.F) {
	oids := []uint32{types.Numeric, types.Date, types.TimestampTZ, types.Interval, 1007, 1009, 1231, 3904, oidTimeTZ, oidInet, types.JSONB, 600, 1560, 3614, 2249, 4451}
	for i := range oids {
		f.Add(uint8(i), []byte{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 7})
		f.Add(uint8(i), []byte{0, 2, 0, 1, 0x40, 0, 0, 3, 0, 1, 0x13, 0x88})
	}
	f.Fuzz(func(_ *testing.T, k uint8, value []byte) { _, _ = ParamText(oids[int(k)%len(oids)], 1, value) })
}

// TestUnknownBinaryIsRefused is about columns that can only be sent as text.
func TestUnknownBinaryIsRefused(t *testing.T) {
	t.Parallel()
	settings := func() (*Settings, error) { return iso, nil }
	for _, c := range []struct {
		kind result.Kind
		oid  uint32
	}{{result.Text, 16999}, {result.Float, types.Int4}, {result.Interval, types.Text}} {
		e, err := New([]result.Field{{Name: "c", TypeOID: c.oid}}, []int16{1}, settings)
		if err != nil {
			t.Fatal(err)
		}
		b := &result.Batch{Len: 1, Columns: []result.Column{{Kind: c.kind, Bytes: [][]byte{{'x'}}}}}
		if err := e.Batch(b); sqlerr.Code(err) != sqlerr.FeatureNotSupported {
			t.Errorf("kind %d as type %d: got %v", c.kind, c.oid, err)
		}
	}
}

// TestSmallDecimals covers the way of decimals that fit 64 bits, with NULLs between them.
func TestSmallDecimals(t *testing.T) {
	t.Parallel()
	ints := []int64{0, 5, -5, 123456, -9223372036854775808}
	for scale := range 20 {
		for _, v := range ints {
			small := result.Column{Kind: result.Decimal, Scale: scale, Ints: []int64{v}}
			large := result.Column{Kind: result.Decimal, Scale: scale, Bigs: []*big.Int{big.NewInt(v)}}
			for format := range int16(2) {
				if a, b := encodeOne(t, types.Numeric, format, iso, small), encodeOne(t, types.Numeric, format, iso, large); string(a) != string(b) {
					t.Errorf("%d with %d decimals in format %d: %x and %x", v, scale, format, a, b)
				}
			}
		}
	}
}

// TestNothingIsAllocated holds for every kind that is not kept as big numbers.
func TestNothingIsAllocated(t *testing.T) {
	fields := make([]result.Field, 0, 16)
	b := &result.Batch{Len: 1}
	add := func(oid uint32, c result.Column) {
		fields, b.Columns = append(fields, result.Field{TypeOID: oid}), append(b.Columns, c)
	}
	add(types.Int4, result.Column{Kind: result.Int, Ints: []int64{42}})
	add(types.Float8, result.Column{Kind: result.Float, Floats: []float64{1.5}})
	add(types.Bool, result.Column{Kind: result.Bool, Ints: []int64{1}})
	add(types.Text, result.Column{Kind: result.Text, Bytes: [][]byte{[]byte("hello")}})
	add(types.Numeric, result.Column{Kind: result.Decimal, Scale: 2, Ints: []int64{12345}})
	add(types.Date, result.Column{Kind: result.Date, Ints: []int64{1}})
	add(types.TimestampTZ, result.Column{Kind: result.Timestamp, Ints: []int64{1234567}})
	add(types.UUID, result.Column{Kind: result.UUID, Bytes: [][]byte{make([]byte, 16)}})
	add(types.Bytea, result.Column{Kind: result.Bytea, Bytes: [][]byte{{1, 2}}})
	buf := make([]byte, 0, 4096)
	for format := range int16(2) {
		e, err := New(fields, []int16{format}, func() (*Settings, error) { return iso, nil })
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Batch(b); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { _, _ = e.AppendRow(buf, b, 0) }); n > 0 {
			t.Errorf("format %d: %v allocations for each row", format, n)
		}
	}
}

// BenchmarkRows writes a million rows of four columns: int4, text, numeric(12,2), timestamptz.
func BenchmarkRows(b *testing.B) {
	const n = 2048
	batch := &result.Batch{Len: n, Columns: []result.Column{{Kind: result.Int}, {Kind: result.Text}, {Kind: result.Decimal, Scale: 2}, {Kind: result.Timestamp}}}
	for i := range n {
		c := batch.Columns
		c[0].Ints = append(c[0].Ints, int64(i*1000))
		c[1].Bytes = append(c[1].Bytes, []byte("customer name"))
		c[2].Ints = append(c[2].Ints, int64(i*7919))
		c[3].Ints = append(c[3].Ints, int64(i)*3_600_123_456)
	}
	fields := []result.Field{{TypeOID: types.Int4}, {TypeOID: types.Text}, {TypeOID: types.Numeric}, {TypeOID: types.TimestampTZ}}
	for format, name := range []string{"text", "binary"} {
		b.Run(name, func(b *testing.B) {
			e, err := New(fields, []int16{int16(format)}, func() (*Settings, error) { return iso, nil })
			if err != nil {
				b.Fatal(err)
			}
			buf := make([]byte, 0, 1<<20)
			rows := 0
			for b.Loop() {
				_ = e.Batch(batch)
				buf = buf[:0]
				for i := range n {
					if buf, err = e.AppendRow(buf, batch, i); err != nil {
						b.Fatal(err)
					}
				}
				rows += n
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
