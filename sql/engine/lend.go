package engine

import (
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"foreshadow/pgwire/encode"
	"foreshadow/sql/result"
	"foreshadow/sql/rewrite"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

//go:embed lend.sql
var lendSQL string

// lent is a statement that the translator refuses: PostgreSQL runs it, on the mirror and in the client's transaction, over rows that the shadow
// lends it as arrays in parameters.
type lent struct {
	loans []loan
	text  string // of the statement on the mirror
	oids  []uint32
	name  string
	fold  fold
}

// loan is one relation of such a statement; fields are the columns that come from arrays.
type loan struct {
	rewrite.Loan
	fields []result.Field
}

// lend prepares the statement for rows in parameters. refusal is why.
func (st *shadowStatement) lend(ctx context.Context, refusal error) (*lent, error) {
	if err := st.s.checkFunctions(ctx, st.q.Functions()); err != nil {
		return nil, err
	}
	l, err := st.prepareLent(ctx, refusal, false)
	if sqlerr.Code(err) == sqlerr.GroupingError {
		l, err = st.prepareLent(ctx, refusal, true)
	}
	return l, err
}

// prepareLent prepares the statement on the mirror with queries of arrays in the places of its relations.
func (st *shadowStatement) prepareLent(ctx context.Context, refusal error, regroup bool) (*lent, error) {
	lending, err := st.q.Lend(st.input(&st.fold), regroup)
	if err != nil {
		return nil, err
	}
	l := &lent{}
	bodies := make([]string, len(lending.Loans))
	oids := slices.Clone(st.params)
	for i, each := range lending.Loans {
		lo := loan{Loan: each}
		if bodies[i], err = lo.body(ctx, st.s, len(oids)); err != nil {
			return nil, err
		}
		for _, f := range lo.fields {
			oids = append(oids, arrayType(f.TypeOID))
		}
		l.loans = append(l.loans, lo)
	}
	if l.text, err = lending.SQL(bodies); err != nil {
		return nil, err
	}
	l.oids = oids
	var fields []result.Field
	if l.name, _, fields, err = st.s.mirror.Prepare(ctx, l.text, oids); err != nil {
		e := sqlerr.From(refusal).WithDetail("Over rows of the shadow PostgreSQL says: %s", sqlerr.From(err).Message)
		if sqlerr.Code(err) == sqlerr.GroupingError && !regroup {
			e.Code = sqlerr.GroupingError
		}
		return nil, e
	}
	if !slices.EqualFunc(fields, st.fields, sameField) {
		st.s.mirror.Deallocate(l.name)
		return nil, refusal
	}
	if l.fold, err = st.compute(ctx, lending.Constants); err != nil {
		st.s.mirror.Deallocate(l.name)
		return nil, err
	}
	return l, nil
}

// sameField lets whole rows be records: they are written alike.
func sameField(a, b result.Field) bool {
	return a.Name == b.Name && (a.TypeOID == b.TypeOID && a.TypMod == b.TypMod || a.TypeOID == types.Record)
}

// body is the query that stands in the place of a relation: its columns from arrays, in the types that the primary gives them, and those that are
// generated computed from the others. It fills in fields.
func (lo *loan) body(ctx context.Context, s *querySession, params int) (string, error) {
	var names, oids, mods []string
	for _, c := range lo.Columns {
		names, oids, mods = append(names, c.Name), append(oids, strconv.FormatUint(uint64(c.OID), 10)), append(mods, strconv.Itoa(int(c.TypMod)))
	}
	relation := uint32(0)
	if lo.Relation != nil {
		relation = lo.Relation.OID
	}
	rows, err := s.mirror.Query(ctx, lendSQL, strconv.FormatUint(uint64(relation), 10), arrayOf(names), arrayOf(oids), arrayOf(mods))
	if err != nil {
		return "", err
	}
	if len(rows) != len(names) {
		return "", sqlerr.New(sqlerr.Internal, "the mirror described %d columns of %d", len(rows), len(names))
	}
	var columns, items, arrays, aliases []string
	for i, c := range lo.Columns {
		if rows[i][3] != nil {
			return "", sqlerr.New(sqlerr.FeatureNotSupported, "PostgreSQL cannot compute with column \"%s\" here, as the agent's host lacks the primary's collation \"%s\"", c.Name, *rows[i][3]).
				WithHint("Install the collation on the agent's host, such as with locale-gen, and restart the agent.")
		}
		name := quoteIdent(c.Name)
		typ, collation, generated := text(rows[i][0]), text(rows[i][1]), text(rows[i][2])
		if collation != "" {
			collation = " COLLATE " + collation
		}
		if c.Generated {
			columns = append(columns, fmt.Sprintf("(%s)::%s%s AS %s", generated, typ, collation, name))
			continue
		}
		lo.fields = append(lo.fields, result.Field{Name: c.Name, TypeOID: c.OID, TypMod: c.TypMod})
		n := len(lo.fields)
		columns = append(columns, name)
		items = append(items, fmt.Sprintf("u.c%d::%s%s AS %s", n, typ, collation, name))
		arrays = append(arrays, fmt.Sprintf("pg_catalog.unnest($%d)", params+n))
		aliases = append(aliases, fmt.Sprintf("c%d", n))
	}
	body := "SELECT " + strings.Join(items, ", ") + " FROM ROWS FROM (" + strings.Join(arrays, ", ") + ") AS u(" + strings.Join(aliases, ", ") + ")"
	if len(items) < len(columns) {
		body = "SELECT " + strings.Join(columns, ", ") + " FROM (" + body + ") AS lent"
	}
	return body, nil
}

// lent borrows the rows and runs the statement on the mirror. refusal is why it is not translated.
func (p *shadowPortal) lent(ctx context.Context, k *known, refusal error) (result.Rows, error) {
	s, l := p.st.s, p.st.lent
	leave, err := enter(ctx, s.e.lending)
	if err != nil {
		return nil, err
	}
	defer leave()
	arrays, err := p.borrow(ctx, k)
	if errors.Is(err, errLent) {
		return nil, tooMuch(s.e.o.MaxLent, refusal)
	}
	if err != nil {
		return nil, err
	}
	values, formats := split(p.params)
	for _, a := range arrays {
		values, formats = append(values, a), append(formats, 1)
	}
	if p.place != nil {
		return &placedRows{}, unplaced(p.place(ctx, l, values, formats, p.formats))
	}
	rows, err := s.mirror.Execute(ctx, l.name, values, formats, p.formats)
	return rows, unplaced(err)
}

// borrow leaves rows out that the statement does not need, unless a value is one that the shadow does not compute with.
func (p *shadowPortal) borrow(ctx context.Context, k *known) ([][]byte, error) {
	if k.failed != nil {
		return p.borrowed(ctx, k, false)
	}
	arrays, err := p.borrowed(ctx, k, true)
	filtered := slices.ContainsFunc(p.st.lent.loans, func(lo loan) bool { return lo.Filtered != nil })
	if err != nil && filtered && lends(p.worded(err)) {
		return p.borrowed(ctx, k, false)
	}
	return arrays, err
}

// borrowed reads the rows of all relations at one moment.
func (p *shadowPortal) borrowed(ctx context.Context, k *known, filtered bool) (arrays [][]byte, err error) {
	queries, err := p.st.loanQueries(ctx, k, filtered)
	if err != nil {
		return nil, err
	}
	room := p.st.s.e.o.MaxLent
	err = p.st.s.source.Shadow.Together(ctx, func(query func(Query) (result.Rows, error)) error {
		for _, q := range queries {
			rows, err := query(q)
			if err != nil {
				return err
			}
			more, err := readArrays(ctx, rows, q.Fields, &room)
			_ = rows.Close() // all of them have been read, or the error counts
			if err != nil {
				return err
			}
			arrays = append(arrays, more...)
		}
		return nil
	})
	return arrays, err
}

// loanQueries are what the shadow is asked for.
func (st *shadowStatement) loanQueries(ctx context.Context, k *known, filtered bool) ([]Query, error) {
	in := st.filled(ctx, k)
	in.Lent = true
	queries := make([]Query, len(st.lent.loans))
	for i, lo := range st.lent.loans {
		q := lo.Query
		if filtered && lo.Filtered != nil {
			q = lo.Filtered
		}
		in.Fields = lo.fields
		plan, err := q.Translate(in)
		if err != nil {
			return nil, err
		}
		if queries[i], err = st.query(ctx, plan, lo.fields, k); err != nil {
			return nil, err
		}
	}
	return queries, nil
}

// errLent says that the rows are more than may be lent.
var errLent = errors.New("too many rows to lend")

// tooMuch tells why a statement needs all of its rows, and what helps. An error that a value in the rows led to is the better answer.
func tooMuch(limit int, refusal error) error {
	if sqlerr.Code(refusal) != sqlerr.FeatureNotSupported && !errors.As(refusal, new(constantError)) {
		return refusal
	}
	return sqlerr.New(sqlerr.ProgramLimitExceeded, "the statement needs more than %d MB of rows to be lent to PostgreSQL", limit>>20).
		WithDetail("The shadow does not compute all of it: %s.", sqlerr.From(refusal).Message).
		WithHint("Leave out rows in WHERE and columns that are not needed, or do without what the shadow does not compute.")
}

// readArrays reads rows into one array for each column, in PostgreSQL's binary form of arrays.
func readArrays(ctx context.Context, rows result.Rows, fields []result.Field, room *int) ([][]byte, error) {
	formats := make([]int16, len(fields))
	arrays := make([][]byte, len(fields))
	for i, f := range fields {
		if arrayType(f.TypeOID) != textArray {
			formats[i] = 1
		}
		arrays[i] = make([]byte, arrayHeader)
	}
	enc, err := encode.New(fields, formats, func() (*encode.Settings, error) { return encode.ParseSettings(nil) })
	if err != nil {
		return nil, err
	}
	var row []byte
	count := 0
	for {
		b, err := rows.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := enc.Batch(b); err != nil {
			return nil, err
		}
		for i := range b.Len {
			if row, err = enc.AppendRow(row[:0], b, i); err != nil {
				return nil, err
			}
			if *room -= len(row) - rowHeader; *room < 0 {
				return nil, errLent
			}
			count++
			values := row[rowHeader:]
			for c := range arrays {
				n := 4 + max(0, int(int32(binary.BigEndian.Uint32(values))))
				arrays[c] = append(arrays[c], values[:n]...)
				values = values[n:]
			}
		}
	}
	for i, f := range fields {
		head(arrays[i], elementType(f.TypeOID), count)
	}
	return arrays, nil
}

const (
	rowHeader   = 7  // of a DataRow message: its type, its length, and the number of columns
	arrayHeader = 20 // of an array of one dimension: how many, whether with NULLs, the elements' type, their number, and the first one's
)

// head writes an array's header.
func head(a []byte, element uint32, n int) {
	binary.BigEndian.PutUint32(a, 1)
	binary.BigEndian.PutUint32(a[4:], 1)
	binary.BigEndian.PutUint32(a[8:], element)
	binary.BigEndian.PutUint32(a[12:], uint32(n))
	binary.BigEndian.PutUint32(a[16:], 1)
}

const textArray = 1009

// arrayTypes are the types that go into arrays in binary form. All others go as text, which holds every value, in a form that no setting of the session changes the
// meaning of.
var arrayTypes = map[uint32]uint32{types.Bool: 1000, types.Bytea: 1001, types.Int2: 1005, types.Int4: 1007, types.Int8: 1016, types.OID: 1028, types.Float4: 1021, types.Float8: 1022,
	types.UUID: 2951}

func arrayType(oid uint32) uint32 {
	if a, ok := arrayTypes[oid]; ok {
		return a
	}
	return textArray
}

func elementType(oid uint32) uint32 {
	if arrayType(oid) == textArray {
		return types.Text
	}
	return oid
}
