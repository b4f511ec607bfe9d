package engine

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"foreshadow/sql/ast"
	"foreshadow/sql/rewrite"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

//go:embed then.sql
var thenSQL string

//go:embed granted.sql
var grantedSQL string

// travel is what the tables of a statement were at the moments that it reads them at.
type travel struct {
	spans     map[ast.Period]span // the session's own under the zero Period; those with parameters come when it runs
	relations map[int]*rewrite.Relation
	bodies    map[int]string                 // what the mirror is asked in the place of a table that was another one then
	numbers   map[*rewrite.Relation][]uint16 // the catalog's numbers of the columns of such a table, 0 for none
	shapes    []string                       // tells all of this apart from another moment's
	rels      map[string]*named
	path      []string
}

// travels finds what the names that are read at a moment stood for then.
func (s *querySession) travels(ctx context.Context, q *rewrite.Query, rels map[string]*named, path []string, spans map[ast.Period]span) (*travel, error) {
	tr := &travel{spans: spans, rels: rels, path: path, relations: map[int]*rewrite.Relation{}, bodies: map[int]string{}, numbers: map[*rewrite.Relation][]uint16{}}
	shared := map[string]*rewrite.Relation{}
	for _, n := range q.Relations() {
		period, said := q.Period(n.Location)
		at, known := spans[period]
		now := rels[n.Key()]
		switch {
		case said && n.Viewed() && period.Kind != ast.AsOf:
			return nil, sqlerr.New(sqlerr.FeatureNotSupported, "the versions of a view cannot be shown").WithHint("Ask for those of its tables.")
		case now.own() || n.Viewed() || !known && period.Kind == ast.AsOf || known && !said && at == (span{}):
			continue
		}
		key := fmt.Sprint(n.Key(), period)
		rel, body, err := s.relationThen(ctx, tr, n, now, path, period, at)
		if err != nil {
			return nil, err
		}
		if rel == nil {
			continue
		}
		if shared[key] == nil {
			shared[key] = rel
		}
		tr.relations[n.Location] = shared[key]
		if body != "" {
			tr.bodies[n.Location] = body
		}
		tr.shapes = append(tr.shapes, fmt.Sprint(n.Location, rel.OID, rel.Columns))
	}
	return tr, nil
}

// own says that a relation is the mirror's or the agent's, which has no past.
func (n *named) own() bool { return n.Relation != nil && (n.system || n.Schema == "foreshadow") }

// relationThen describes one table at a moment, and gives the query that stands for it on the mirror unless it is there as it was. It is nil
// for a name that nothing captured had: the mirror or the shadow will word that.
func (s *querySession) relationThen(ctx context.Context, tr *travel, n rewrite.RelationName, now *named, path []string, p ast.Period, at span) (*rewrite.Relation, string, error) {
	shape, err := s.shapeThen(ctx, n, now, path, at.To)
	if shape == nil || err != nil {
		return nil, "", err
	}
	rel := &rewrite.Relation{OID: shape.OID, Schema: shape.Schema, Name: shape.Name, Parent: now.kind == "p", Then: true}
	numbers, body, err := s.columnsThen(ctx, rel, shape)
	if err != nil {
		return nil, "", err
	}
	same := now.Relation != nil && now.OID == rel.OID && sameColumns(now.Columns, rel.Columns)
	if now.Relation != nil && now.OID == rel.OID {
		if err := usable(now); err != nil {
			return nil, "", err
		}
		if (!same || p.Kind != ast.AsOf) && slices.ContainsFunc(now.Columns, func(c rewrite.Column) bool { return c.Generated }) {
			return nil, "", sqlerr.New(sqlerr.FeatureNotSupported, "table \"%s\" has generated columns, which the shadow does not have", rel.Name).
				WithHint("It can be asked AS OF a moment since its columns are what they are now.")
		}
	}
	if same {
		rel.Columns = now.Columns
	}
	if p.Kind == ast.AsOf && same {
		return rel, "", nil
	}
	if p.Kind != ast.AsOf {
		if body, err = withValidity(rel, body); err != nil {
			return nil, "", err
		}
		for len(numbers) < len(rel.Columns) {
			numbers = append(numbers, validityNumber)
		}
	}
	tr.numbers[rel] = numbers
	return rel, "SELECT " + body + " WHERE false", nil
}

// sameColumns compares what the mirror says of a table's captured columns with what the shadow does.
func sameColumns(a, b []rewrite.Column) bool {
	a = slices.DeleteFunc(slices.Clone(a), func(c rewrite.Column) bool { return c.Generated })
	return slices.EqualFunc(a, b, func(x, y rewrite.Column) bool { return x.Name == y.Name && x.OID == y.OID && x.TypMod == y.TypMod })
}

// shapeThen finds the table that had a name at a moment.
func (s *querySession) shapeThen(ctx context.Context, n rewrite.RelationName, now *named, path []string, at AsOf) (*Shape, error) {
	if now.Relation != nil && now.kind == "p" {
		return s.partitionedThen(ctx, now, at)
	}
	schemas := path
	if n.Schema != "" {
		schemas = []string{n.Schema}
	}
	shape, err := s.source.Shadow.At(ctx, Named{Schemas: schemas, Name: n.Name}, at)
	if shape != nil || err != nil || now.Relation == nil {
		return shape, err
	}
	shape, err = s.source.Shadow.At(ctx, Named{OID: now.OID}, at)
	if shape == nil || err != nil {
		return nil, err
	}
	return nil, sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" does not exist", n.Name).
		WithHint("At that moment the table was called \"%s\".\"%s\".", shape.Schema, shape.Name)
}

// partitionedThen describes a partitioned table by one of its parts: with the columns that the mirror shows if it has the same ones, and
// otherwise with the part's, whose order is the table's own if it still is today.
func (s *querySession) partitionedThen(ctx context.Context, now *named, at AsOf) (*Shape, error) {
	shape, err := s.source.Shadow.At(ctx, Named{OID: now.OID}, at)
	if shape == nil || err != nil {
		return nil, err
	}
	part := shape.OID
	shape.OID, shape.Schema, shape.Name = now.OID, now.Schema, now.Name
	own := func(columns []ShapeColumn) []ShapeColumn {
		var out []ShapeColumn
		for _, c := range now.Columns {
			for _, o := range columns {
				if o.Name == c.Name && o.TypeOID == c.OID && o.TypMod == c.TypMod && !c.Generated {
					out = append(out, o)
				}
			}
		}
		return out
	}
	for i := range shape.Columns { // a part's numbers are not the table's own
		shape.Columns[i].AttNum = 0
	}
	if ordered := own(shape.Columns); len(ordered) == len(shape.Columns) {
		shape.Columns = ordered
		return shape, nil
	}
	today, err := s.source.Shadow.At(ctx, Named{OID: part}, AsOf{})
	if err != nil {
		return nil, err
	}
	if today == nil || !slices.Equal(own(today.Columns), today.Columns) {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "the order that the columns of \"%s\" had then is not known", now.Name).
			WithHint("Ask for its partitions.")
	}
	return shape, nil
}

// columnsThen fills in a table's columns of then, and gives their numbers and the list that stands for them.
func (s *querySession) columnsThen(ctx context.Context, rel *rewrite.Relation, shape *Shape) (numbers []uint16, list string, err error) {
	var names, nums, oids, mods, items []string
	for _, c := range shape.Columns {
		names, nums = append(names, c.Name), append(nums, strconv.Itoa(int(c.AttNum)))
		oids, mods = append(oids, strconv.FormatUint(uint64(c.TypeOID), 10)), append(mods, strconv.Itoa(int(c.TypMod)))
	}
	rows, err := s.mirror.Query(ctx, thenSQL, strconv.FormatUint(uint64(shape.OID), 10), arrayOf(names), arrayOf(nums), arrayOf(oids), arrayOf(mods))
	if err != nil {
		return nil, "", err
	}
	if len(rows) != len(shape.Columns) {
		return nil, "", sqlerr.New(sqlerr.Internal, "the mirror described %d columns of %d", len(rows), len(shape.Columns))
	}
	for i, c := range shape.Columns {
		if rows[i][0] == nil {
			return nil, "", sqlerr.New(sqlerr.FeatureNotSupported, "the type that column \"%s\" of table \"%s\" had then exists no more", c.Name, shape.Name)
		}
		rel.Columns = append(rel.Columns, rewrite.Column{Name: c.Name, OID: c.TypeOID, TypMod: c.TypMod, Enum: yes(rows[i][1]), Collation: rewrite.Collation{Collated: yes(rows[i][2]), Cased: yes(rows[i][3])}})
		numbers = append(numbers, uint16(c.AttNum))
		items = append(items, "NULL::"+*rows[i][0]+" AS "+quoteIdent(c.Name))
	}
	return numbers, strings.Join(items, ", "), nil
}

func quoteIdent(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// validity are the columns that follow a table's own in an interval.
var validity = []rewrite.Column{{Name: "valid_from", OID: types.TimestampTZ, TypMod: -1}, {Name: "valid_to", OID: types.TimestampTZ, TypMod: -1},
	{Name: "valid_from_lsn", OID: types.LSN, TypMod: -1}, {Name: "valid_to_lsn", OID: types.LSN, TypMod: -1}}

// validityNumber stands for a column that is not of the table, which needs no grant of its own.
const validityNumber = 1 << 15

// withValidity adds the columns of an interval.
func withValidity(rel *rewrite.Relation, list string) (string, error) {
	rel.Columns = slices.Clone(rel.Columns)
	for _, v := range validity {
		if slices.ContainsFunc(rel.Columns, func(c rewrite.Column) bool { return c.Name == v.Name }) {
			return "", sqlerr.New(sqlerr.DuplicateColumn, "table \"%s\" has a column \"%s\" of its own", rel.Name, v.Name).
				WithHint("Its versions cannot be shown; ask for it AS OF a moment, or see foreshadow.change_log.")
		}
		rel.Columns = append(rel.Columns, v)
		if list != "" {
			list += ", "
		}
		list += "NULL::" + types.Of(v.OID, -1).Name + " AS " + v.Name
	}
	return list, nil
}

// granted refuses tables of then whose columns the login may not read. A column that exists no more needs a grant on the whole table, and
// a table that exists no more a role that may read everything.
func (s *querySession) granted(ctx context.Context, tr *travel, uses []rewrite.Use) error {
	for _, u := range uses {
		numbers, other := tr.numbers[u.Relation]
		if !other {
			continue
		}
		var read []string
		for i, r := range u.Read {
			if r && numbers[i] != validityNumber {
				read = append(read, strconv.Itoa(int(numbers[i])))
			}
		}
		if err := s.mayRead(ctx, u.Relation, read); err != nil {
			return err
		}
	}
	return nil
}

// mayRead checks the grants on some columns of a table, by their numbers.
func (s *querySession) mayRead(ctx context.Context, rel *rewrite.Relation, columns []string) error {
	rows, err := s.mirror.Query(ctx, grantedSQL, strconv.FormatUint(uint64(rel.OID), 10), arrayOf(columns))
	switch {
	case err != nil:
		return err
	case len(rows) != 1 || !yes(rows[0][0]):
		return sqlerr.New(sqlerr.InsufficientPrivilege, "permission denied for table %s", rel.Name)
	case yes(rows[0][1]):
		return usable(&named{Relation: rel, hasChildren: true})
	}
	return nil
}

// setting reads the session's moment and the schemas that names without one are looked for in.
func (s *querySession) setting(ctx context.Context) (at span, path []string, err error) {
	now, err := s.surroundings(ctx)
	if err != nil {
		return span{}, nil, err
	}
	at.To, err = s.asOf(ctx, now.asOf)
	return at, now.path, err
}
