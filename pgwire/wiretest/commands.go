package wiretest

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"foreshadow/pgwire/encode"
	"foreshadow/sql/result"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// The commands, each a statement:
//
//	rows N [BATCH]       N rows with the numbers 1 to N, in batches of 3 unless said otherwise
//	wide N SIZE          N rows of SIZE bytes of text
//	kinds                one row with a value of each kind, and one of NULLs
//	late N               N rows and then an error
//	encoded              one row in the wire format
//	param OID ...        its parameters, as text
//	insert N             no rows
//	copy N               COPY TO STDOUT of N lines
//	error CODE POS TEXT  an error
//	notice TEXT          a notice
//	set NAME VALUE       changes a reported parameter
//	begin, commit, rollback
//	discard all
//	tell TEXT            a notification to every session
//	wait                 until it is cancelled
type statement struct {
	session *Session
	words   []string
	params  []uint32
	offset  int
}

// most bounds what a command may ask for, so that a fuzzer's numbers do no harm.
const most = 1_000_000

// arg is a number among the words.
func (st *statement) arg(i int) int {
	if i >= len(st.words) {
		return 0
	}
	n, _ := strconv.Atoi(st.words[i])
	return min(max(n, 0), most)
}

// position is an error's place in the whole query string; 0 stays none.
func (st *statement) position(i int) int {
	if n := st.arg(i); n > 0 {
		return n + st.offset
	}
	return 0
}

// Params are the parameters' types.
func (st *statement) Params() []uint32 { return st.params }

func field(name string, oid uint32) result.Field {
	return result.Field{Name: name, TypeOID: oid, TypeSize: types.Of(oid, -1).Size, TypMod: -1}
}

// Fields are known before a statement runs.
func (st *statement) Fields() []result.Field {
	switch st.words[0] {
	case "rows", "late":
		return []result.Field{field("n", types.Int4)}
	case "wide", "encoded":
		return []result.Field{field("t", types.Text)}
	case "kinds":
		fields, _ := kinds()
		return fields
	case "param":
		var fields []result.Field
		for i := range st.params {
			fields = append(fields, field("p"+strconv.Itoa(i+1), types.Text))
		}
		return fields
	}
	return nil
}

// Bind keeps the parameters.
func (st *statement) Bind(_ context.Context, params []session.Param, formats []int16) (session.Portal, error) {
	st.session.engine.Live.Add(1)
	return &portal{statement: st, params: params, formats: formats}, nil
}

// Close counts.
func (st *statement) Close() error {
	st.session.engine.Live.Add(-1)
	return nil
}

// portal is a bound command.
type portal struct {
	*statement
	params  []session.Param
	formats []int16
}

// Fields of a COPY are known to the portal only.
func (p *portal) Fields() []result.Field {
	if p.Copy() {
		return []result.Field{field("t", types.Text)}
	}
	return p.statement.Fields()
}

// Copy is true for copy.
func (p *portal) Copy() bool { return p.words[0] == "copy" }

// Close counts.
func (p *portal) Close() error {
	p.session.engine.Live.Add(-1)
	return nil
}

// Rows runs the command.
func (p *portal) Rows(ctx context.Context) (result.Rows, error) {
	r := &rows{portal: p, tag: strings.ToUpper(p.words[0])}
	switch p.words[0] {
	case "rows", "wide", "late":
		r.left, r.tag = p.arg(1), "SELECT "+strconv.Itoa(p.arg(1))
	case "encoded", "param":
		r.left, r.tag = 1, "SELECT 1"
	case "kinds":
		r.left, r.tag = 2, "SELECT 2"
	case "copy":
		r.left, r.tag = p.arg(1), "COPY "+strconv.Itoa(p.arg(1))
	case "insert":
		r.tag = "INSERT 0 " + strconv.Itoa(p.arg(1))
	case "discard":
		r.tag = "DISCARD ALL"
	default:
		if err := p.command(ctx); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// command does what has no rows.
func (p *portal) command(ctx context.Context) error {
	s := p.session
	switch p.words[0] {
	case "begin":
		s.tx = 'T'
	case "commit", "rollback":
		s.tx = 'I'
	case "notice":
		s.notices = append(s.notices, sqlerr.Notice("%s", strings.Join(p.words[1:], " ")))
	case "set":
		if len(p.words) < 2 {
			return sqlerr.New(sqlerr.SyntaxError, "set what?")
		}
		s.status[p.words[1]] = strings.Join(p.words[2:], " ")
	case "error":
		if len(p.words) < 3 {
			return sqlerr.New(sqlerr.SyntaxError, "which error?")
		}
		return sqlerr.New(p.words[1], "%s", strings.Join(p.words[3:], " ")).At(p.position(2)).WithDetail("the detail").WithHint("the hint")
	case "wait":
		s.engine.Waiting.Add(1)
		defer s.engine.Waiting.Add(-1)
		select {
		case <-s.cancelled:
			return context.Canceled
		case <-ctx.Done():
			return ctx.Err()
		}
	case "tell":
		s.engine.tell(strings.Join(p.words[1:], " "))
	case "panic":
		panic("asked for")
	}
	return nil
}

// rows makes batches.
type rows struct {
	*portal
	left, sent int
	tag        string
	batch      result.Batch
}

// Fields are the statement's.
func (r *rows) Fields() []result.Field { return r.statement.Fields() }

// Tag is the command tag.
func (r *rows) Tag() string { return r.tag }

// Close has nothing to release.
func (r *rows) Close() error { return nil }

// Next makes the next batch.
func (r *rows) Next(ctx context.Context) (*result.Batch, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if r.left == 0 {
		if r.words[0] == "late" {
			return nil, sqlerr.New(sqlerr.DivisionByZero, "division by zero")
		}
		return nil, io.EOF
	}
	switch r.words[0] {
	case "kinds":
		r.left = 0
		_, b := kinds()
		return b, nil
	case "param":
		r.left = 0
		return r.echo()
	}
	size := 3
	if n := r.arg(2); n > 0 && r.words[0] == "rows" {
		size = n
	}
	return r.numbers(min(size, r.left)), nil
}

// echo gives the parameters back.
func (r *rows) echo() (*result.Batch, error) {
	b := &result.Batch{Len: 1}
	for i, p := range r.params {
		text, err := encode.ParamText(r.statement.params[i], p.Format, p.Value)
		if err != nil {
			return nil, err
		}
		c := result.Column{Kind: result.Text, Nulls: []bool{text == nil}, Bytes: [][]byte{nil}}
		if text != nil {
			c.Bytes[0] = []byte(*text)
		}
		b.Columns = append(b.Columns, c)
	}
	return b, nil
}

// numbers fills a batch of the one column that these commands have.
func (r *rows) numbers(n int) *result.Batch {
	c := result.Column{Kind: result.Int, Ints: r.ints(n)}
	switch r.words[0] {
	case "wide":
		c = result.Column{Kind: result.Text}
		value := []byte(strings.Repeat("x", r.arg(2)))
		for range n {
			c.Bytes = append(c.Bytes, value)
		}
	case "encoded":
		c = result.Column{Kind: result.Encoded, Bytes: [][]byte{[]byte("as it is")}}
	case "copy":
		c = result.Column{Kind: result.Encoded}
		for i := range n {
			c.Bytes = append(c.Bytes, fmt.Appendf(nil, "line %d\n", r.sent+i+1))
		}
	}
	r.left -= n
	r.sent += n
	r.batch = result.Batch{Len: n, Columns: []result.Column{c}}
	return &r.batch
}

// ints reuses the slice of the batch before, as real producers do.
func (r *rows) ints(n int) []int64 {
	var ints []int64
	if len(r.batch.Columns) > 0 {
		ints = r.batch.Columns[0].Ints[:0]
	}
	for i := range n {
		ints = append(ints, int64(r.sent+i+1))
	}
	return ints
}

// kinds is a row with a value of each kind, and a row of NULLs.
func kinds() ([]result.Field, *result.Batch) {
	var fields []result.Field
	b := &result.Batch{Len: 2}
	add := func(name string, oid uint32, c result.Column) {
		c.Nulls = []bool{false, true}
		fields, b.Columns = append(fields, field(name, oid)), append(b.Columns, c)
	}
	add("b", types.Bool, result.Column{Kind: result.Bool, Ints: []int64{1, 0}})
	add("i8", types.Int8, result.Column{Kind: result.Int, Ints: []int64{-7, 0}})
	add("f8", types.Float8, result.Column{Kind: result.Float, Floats: []float64{1e6, 0}})
	add("num", types.Numeric, result.Column{Kind: result.Decimal, Scale: 2, Ints: []int64{-5, 0}})
	add("t", types.Text, result.Column{Kind: result.Text, Bytes: [][]byte{[]byte("hi"), nil}})
	add("ba", types.Bytea, result.Column{Kind: result.Bytea, Bytes: [][]byte{{0, 255}, nil}})
	add("d", types.Date, result.Column{Kind: result.Date, Ints: []int64{0, 0}})
	add("tm", types.Time, result.Column{Kind: result.Time, Ints: []int64{86_400_000_000, 0}})
	add("tz", types.TimestampTZ, result.Column{Kind: result.Timestamp, Ints: []int64{-1, 0}})
	add("iv", types.Interval, result.Column{Kind: result.Interval, Intervals: []result.Span{{Months: 14, Days: -3, Micros: 1}, {}}})
	add("u", types.UUID, result.Column{Kind: result.UUID, Bytes: [][]byte{make([]byte, 16), nil}})
	add("l", types.LSN, result.Column{Kind: result.Int, Ints: []int64{1 << 33, 0}})
	add("j", types.JSONB, result.Column{Kind: result.Text, Bytes: [][]byte{[]byte(`{"a": 1}`), nil}})
	return fields, b
}
