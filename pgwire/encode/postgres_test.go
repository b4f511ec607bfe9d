package encode

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"foreshadow/agent/pgtest"
	"foreshadow/sql/result"
	"foreshadow/sql/types"
)

// sample is a type and SQL literals of it; what PostgreSQL prints for them is what we must print.
type sample struct {
	typ    string
	kind   result.Kind
	values []string
}

// samples has at least one row for each type in sql/types, and the types that travel as text but have a binary form.
var samples = []sample{
	{"boolean", result.Bool, []string{"t", "f"}},
	{"smallint", result.Int, []string{"0", "-32768", "32767"}},
	{"integer", result.Int, []string{"0", "-2147483648", "2147483647", "42"}},
	{"bigint", result.Int, []string{"0", "-9223372036854775808", "9223372036854775807"}},
	{"oid", result.Int, []string{"0", "4294967295"}},
	{"pg_lsn", result.Int, []string{"0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF", "0/ABCDEF"}},
	{"real", result.Float, []string{"0", "-0", "1e5", "123456", "999999", "1e6", "1.5", "3.4028235e38", "1e-45", "0.0001", "0.00001", "NaN", "Infinity", "-Infinity", "0.1"}},
	{"double precision", result.Float, []string{"0", "-0", "1e14", "1e15", "123456789012345", "1e23", "9007199254740993", "0.1", "0.0001", "0.00001", "5e-324",
		"1.7976931348623157e308", "NaN", "Infinity", "-Infinity", "1000000", "100000000000000", "2.2250738585072014e-308", "1e22", "9.5e-7", "-12345.678"}},
	{"numeric", result.Decimal, []string{"0", "0.00", "1", "-1", "10", "100000000", "0.0001", "0.00001234", "-0.5", "12345678901234567890123456789.123456789", "9999.9999", "10000.0001",
		"99999999999999999999999999999999999999", "0.000000000000000001", "123.4500", "1000000.0000"}},
	{"numeric", result.Text, []string{"NaN", "Infinity", "-Infinity", "1e50", "1e-20", "123456789012345678901234567890123456789012345678901234567890.5", "0.00"}},
	{"bytea", result.Bytea, []string{"", `\x00ff10`, `\xdeadbeef`}},
	{"date", result.Date, []string{"2000-01-01", "1999-12-31", "1970-01-01", "2024-02-29", "0001-01-01", "0044-03-15 BC", "4713-01-01 BC", "5874897-12-31", "10000-01-01", "infinity", "-infinity", "1900-03-01"}},
	{"time", result.Time, []string{"00:00", "24:00:00", "12:34:56.7", "23:59:59.999999", "00:00:00.000001"}},
	{"timestamp", result.Timestamp, []string{"2000-01-01", "1999-12-31 23:59:59.999999", "2024-02-29 12:00:00.5", "0001-01-01 00:00:00", "0044-03-15 01:02:03 BC", "4713-01-01 00:00:00 BC",
		"294276-12-31 23:59:59.999999", "infinity", "-infinity"}},
	{"timestamptz", result.Timestamp, []string{"2000-01-01 00:00:00+00", "2024-03-31 00:59:59.999999+00", "2024-03-31 01:00:00+00", "2024-10-27 01:00:00+00", "1800-06-01 12:00:00+00", "1883-11-18 17:00:00+00",
		"0044-03-15 01:02:03+00 BC", "2100-07-01 00:00:00+00", "294276-12-31 00:00:00+00", "infinity", "-infinity", "1947-08-15 00:00:00+00"}},
	{"interval", result.Interval, []string{"0", "1 year", "1 mon", "1 day", "-1 day", "1 day -1 second", "-1 day 1 second", "1 year -1 mon", "-13 mons", "1 year 2 mons 3 days 04:05:06.789", "-1 year -2 mons -3 days -04:05:06.789",
		"00:00:00.000001", "-00:00:00.5", "1 sec", "-1 sec", "1 mon -2 days 3 hours", "2562047788:00:54.775807", "178000000 years", "25:01:01", "1 hour", "2 years", "-2 days -00:00:01.5", "-1 mon 2 days 00:00:01", "3 days -2 hours", "1 day 00:00:01"}},
	{"uuid", result.UUID, []string{"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "00000000-0000-0000-0000-000000000000"}},
	{"text", result.Text, []string{"", "hello", "häß\n\t\"'"}},
	{"varchar", result.Text, []string{"x"}},
	{"char(5)", result.Text, []string{"ab"}},
	{"name", result.Text, []string{"pg_class"}},
	{`"char"`, result.Text, []string{"r"}},
	{"json", result.Text, []string{`{"a" : 1}`}},
	{"jsonb", result.Text, []string{`{"a" : [1, 2.50, null]}`, `"x"`}},
	{"jsonpath", result.Text, []string{`$."a"[*]`}},
	{"xid", result.Text, []string{"7"}},
	{"xid8", result.Text, []string{"18446744073709551615"}},
	{"timetz", result.Text, []string{"12:34:56.7+02", "00:00:00-05:30", "24:00:00+00", "01:02:03+01:02:03"}},
	{"inet", result.Text, []string{"192.168.1.1", "10.0.0.0/8", "::1", "2001:db8::/32"}},
	{"cidr", result.Text, []string{"10.0.0.0/8", "2001:db8::/32"}},
	{"macaddr", result.Text, []string{"08:00:2b:01:02:03"}},
	{"bit(3)", result.Text, []string{"101"}},
	{"varbit", result.Text, []string{"1", "1010101011"}},
	{"point", result.Text, []string{"(1.5,-2)"}},
	{"box", result.Text, []string{"(3,4),(1,2)"}},
	{"int4range", result.Text, []string{"[1,5)", "empty", "(,5)"}},
	{"numrange", result.Text, []string{"[1.50,5)"}},
	{"int4[]", result.Text, []string{"{}", "{1,NULL,3}", "{{1,2},{3,4}}", "[0:1]={7,8}"}},
	{"int8[]", result.Text, []string{"{9223372036854775807}"}},
	{"text[]", result.Text, []string{`{a,"b c",NULL,"q\"x",""}`}},
	{"float8[]", result.Text, []string{"{1.5,NaN,-Infinity}"}},
	{"numeric[]", result.Text, []string{"{1.50,-0.00001,NaN,100}"}},
	{"uuid[]", result.Text, []string{"{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"}},
	{"bool[]", result.Text, []string{"{t,f,NULL}"}},
	{"date[]", result.Text, []string{"{2024-02-29,infinity}"}},
	{"timestamptz[]", result.Text, []string{`{"2024-02-29 12:00:00.5+00"}`}},
	{"bytea[]", result.Text, []string{`{"\\xdeadbeef"}`}},
	{"jsonb[]", result.Text, []string{`{"{\"a\": 1}"}`}},
}

// fetch asks PostgreSQL for literals in one format.
func fetch(t testing.TB, pg *pgconn.PgConn, typ string, values []string, format int16) ([][]byte, uint32) {
	t.Helper()
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	literals := make([]byte, 0, 32*len(values))
	for _, v := range values {
		literals = append(append(append(literals, `,"`...), quote.Replace(v)...), '"')
	}
	list := "{" + strings.TrimPrefix(string(literals), ",") + "}"
	query := "SELECT CAST(v AS " + typ + ") FROM unnest($1::text[]) WITH ORDINALITY u(v, n) ORDER BY n"
	res := pg.ExecParams(context.Background(), query, [][]byte{[]byte(list)}, nil, nil, []int16{format}).Read()
	if res.Err != nil {
		t.Fatalf("%s: %v", typ, res.Err)
	}
	out := make([][]byte, len(res.Rows))
	for i, row := range res.Rows {
		out[i] = append([]byte{}, row[0]...)
	}
	return out, res.FieldDescriptions[0].DataTypeOID
}

// column rebuilds from PostgreSQL's own bytes what the shadow would hand over.
func column(t testing.TB, kind result.Kind, oid uint32, text, bin [][]byte) result.Column {
	t.Helper()
	c := result.Column{Kind: kind}
	for i := range text {
		switch kind {
		case result.Bool, result.Int, result.Time:
			c.Ints = append(c.Ints, signed(bin[i], oid))
		case result.Date, result.Timestamp:
			v := signed(bin[i], 0)
			if kind == result.Date && v == math.MaxInt32 {
				v = math.MaxInt64
			} else if kind == result.Date && v == math.MinInt32 {
				v = math.MinInt64
			}
			c.Ints = append(c.Ints, v)
		case result.Float:
			var f float64
			if len(bin[i]) == 4 {
				f = float64(math.Float32frombits(binary.BigEndian.Uint32(bin[i])))
			} else {
				f = math.Float64frombits(binary.BigEndian.Uint64(bin[i]))
			}
			c.Floats = append(c.Floats, f)
		case result.Interval:
			c.Intervals = append(c.Intervals, result.Span{Micros: signed(bin[i][:8], 0), Days: int32(signed(bin[i][8:12], 0)), Months: int32(signed(bin[i][12:], 0))})
		case result.Bytea, result.UUID:
			c.Bytes = append(c.Bytes, bin[i])
		case result.Text:
			c.Bytes = append(c.Bytes, text[i])
		case result.Decimal:
			whole, frac, _ := strings.Cut(string(text[i]), ".")
			v, ok := new(big.Int).SetString(whole+frac, 10)
			if !ok {
				t.Fatalf("not a number: %s", text[i])
			}
			c.Scale = len(frac)
			c.Bigs = append(c.Bigs, v)
		}
	}
	return c
}

func signed(b []byte, oid uint32) int64 {
	switch len(b) {
	case 1:
		return int64(b[0])
	case 2:
		return int64(int16(binary.BigEndian.Uint16(b)))
	case 4:
		if oid == types.OID {
			return int64(binary.BigEndian.Uint32(b))
		}
		return int64(int32(binary.BigEndian.Uint32(b)))
	}
	return int64(binary.BigEndian.Uint64(b))
}

// encodeOne gives the value of a one-column row.
func encodeOne(t testing.TB, oid uint32, format int16, set *Settings, c result.Column) []byte {
	t.Helper()
	e, err := New([]result.Field{{Name: "v", TypeOID: oid}}, []int16{format}, func() (*Settings, error) { return set, nil })
	if err != nil {
		t.Fatal(err)
	}
	b := &result.Batch{Len: 1, Columns: []result.Column{c}}
	if err := e.Batch(b); err != nil {
		t.Fatal(err)
	}
	row, err := e.AppendRow(nil, b, 0)
	if err != nil {
		t.Errorf("type %d: %v", oid, err)
		return nil
	}
	return row[11:]
}

// one is a column with only row i.
func one(c result.Column, i int) result.Column {
	o := result.Column{Kind: c.Kind, Scale: c.Scale}
	switch {
	case c.Ints != nil:
		o.Ints = c.Ints[i : i+1]
	case c.Floats != nil:
		o.Floats = c.Floats[i : i+1]
	case c.Bytes != nil:
		o.Bytes = c.Bytes[i : i+1]
	case c.Bigs != nil:
		o.Bigs = c.Bigs[i : i+1]
	case c.Intervals != nil:
		o.Intervals = c.Intervals[i : i+1]
	}
	return o
}

// settingSets are the session settings under which everything is compared.
var settingSets = []map[string]string{
	{"TimeZone": "UTC", "DateStyle": "ISO, MDY", "IntervalStyle": "postgres"},
	{"TimeZone": "Europe/Berlin", "DateStyle": "ISO, DMY", "IntervalStyle": "postgres_verbose"},
	{"TimeZone": "America/New_York", "DateStyle": "SQL, MDY", "IntervalStyle": "sql_standard"},
	{"TimeZone": "Asia/Kolkata", "DateStyle": "German, DMY", "IntervalStyle": "iso_8601"},
	{"TimeZone": "Europe/London", "DateStyle": "Postgres, MDY", "IntervalStyle": "postgres"},
	{"TimeZone": "<-03>+03", "DateStyle": "Postgres, DMY", "IntervalStyle": "postgres"},
	{"TimeZone": "Asia/Kathmandu", "DateStyle": "SQL, DMY", "IntervalStyle": "postgres"},
}

// compare checks literals of one type under settings that PostgreSQL's connection already has.
func compare(t *testing.T, pg *pgconn.PgConn, set *Settings, s sample) {
	t.Helper()
	text, oid := fetch(t, pg, s.typ, s.values, 0)
	bin, _ := fetch(t, pg, s.typ, s.values, 1)
	for i := range s.values {
		c := column(t, s.kind, oid, text[i:i+1], bin[i:i+1])
		if got := encodeOne(t, oid, 0, set, one(c, 0)); string(got) != string(text[i]) {
			t.Errorf("%s %s as text: got %q, PostgreSQL has %q", s.typ, s.values[i], got, text[i])
		}
		if s.kind == result.Text && set.style != styleISO {
			continue // text of the shadow is in ISO style; the mirror's is not re-encoded
		}
		if got := encodeOne(t, oid, 1, set, one(c, 0)); string(got) != string(bin[i]) {
			t.Errorf("%s %s as binary: got %x, PostgreSQL has %x", s.typ, s.values[i], got, bin[i])
		}
	}
}

// TestSameAsPostgreSQL compares every type, in text and binary, under several session settings.
func TestSameAsPostgreSQL(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t).Conn(t, "postgres").PgConn()
	for _, status := range settingSets {
		set := apply(t, pg, status)
		for _, s := range samples {
			compare(t, pg, set, s)
		}
	}
}

// apply puts settings on the connection and reads them for us.
func apply(t *testing.T, pg *pgconn.PgConn, status map[string]string) *Settings {
	t.Helper()
	for k, v := range status {
		if res := pg.ExecParams(context.Background(), "SELECT set_config($1, $2, false)", [][]byte{[]byte(k), []byte(v)}, nil, nil, nil).Read(); res.Err != nil {
			t.Fatal(res.Err)
		}
	}
	set, err := ParseSettings(status)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestRandomValuesAsPostgreSQL compares many values of the types whose text is computed.
func TestRandomValuesAsPostgreSQL(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	pg := pgtest.Start(t).Conn(t, "postgres").PgConn()
	for round, status := range settingSets {
		set := apply(t, pg, status)
		if round == 0 {
			f8 := sample{"double precision", result.Float, nil}
			f4 := sample{"real", result.Float, nil}
			num := sample{"numeric", result.Decimal, nil}
			for range 1500 {
				f8.values = append(f8.values, fmt.Sprintf("%.17g", randomFloat(r)), fmt.Sprintf("%.17g", math.Ldexp(1, r.IntN(2000)-1000)))
				f4.values = append(f4.values, fmt.Sprintf("%.9g", randomFloat32(r)), fmt.Sprintf("%.9g", math.Ldexp(1, r.IntN(240)-120)))
				num.values = append(num.values, randomNumeric(r))
			}
			for _, s := range []sample{f8, f4, num} {
				compare(t, pg, set, s)
			}
		}
		ts := sample{"timestamptz", result.Timestamp, nil}
		iv := sample{"interval", result.Interval, nil}
		for range 400 {
			ts.values = append(ts.values, fmt.Sprintf("%04d-%02d-%02d %02d:%02d:%02d.%06d+00", 1800+r.IntN(350), 1+r.IntN(12), 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1000000)))
			iv.values = append(iv.values, fmt.Sprintf("%d months %d days %d microseconds", small(r, 30), small(r, 40), int64(small(r, 3))*1_000_000+int64(small(r, 200_000))*int64(small(r, 100_000))))
		}
		compare(t, pg, set, ts)
		compare(t, pg, set, iv)
	}
}

// small is often zero.
func small(r *rand.Rand, n int) int {
	if r.IntN(3) == 0 {
		return 0
	}
	return r.IntN(2*n+1) - n
}

func randomFloat(r *rand.Rand) float64 {
	for {
		if f := math.Float64frombits(r.Uint64()); math.Abs(f) < 1e300 && math.Abs(f) > 1e-300 {
			if r.IntN(2) == 0 {
				return float64(r.Int64N(1<<60)) / math.Pow10(r.IntN(20))
			}
			return f
		}
	}
}

func randomFloat32(r *rand.Rand) float32 {
	for {
		if f := math.Float32frombits(r.Uint32()); math.Abs(float64(f)) < 1e38 && math.Abs(float64(f)) > 1e-37 {
			return f
		}
	}
}

func randomNumeric(r *rand.Rand) string {
	digits := make([]byte, 1+r.IntN(38))
	for i := range digits {
		digits[i] = byte('0' + r.IntN(10))
		if r.IntN(3) == 0 {
			digits[i] = '0'
		}
	}
	at := r.IntN(len(digits) + 1)
	text := string(digits[:at]) + "." + string(digits[at:])
	if text == "." || at == 0 {
		text = "0" + text
	}
	if r.IntN(2) == 0 {
		text = "-" + text
	}
	return strings.TrimSuffix(text, ".")
}
