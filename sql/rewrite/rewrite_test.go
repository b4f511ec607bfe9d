package rewrite

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// relations are what the golden files ask.
var relations = map[string]*Relation{
	`"orders"`: {OID: 1, Schema: "public", Name: "orders", Columns: []Column{{Name: "id", OID: types.Int8}, {Name: "customer_id", OID: types.Int4},
		{Name: "amount", OID: types.Numeric, TypMod: 10<<16 | 2 + 4}, {Name: "weight", OID: types.Float8}, {Name: "qty", OID: types.Int2},
		{Name: "paid", OID: types.Bool}, {Name: "created_at", OID: types.TimestampTZ}, {Name: "day", OID: types.Date}, {Name: "note", OID: types.JSONB},
		{Name: "loose", OID: types.Numeric, TypMod: -1}}},
	`"customers"`: {OID: 2, Schema: "public", Name: "customers", Key: []string{"id"}, Columns: []Column{{Name: "id", OID: types.Int4}, {Name: "Name", OID: types.Text},
		{Name: "title", OID: types.Text, Collation: Collation{Collated: true}}, {Name: "mood", OID: 99999, Enum: true}}},
	`"foreshadow"."series"`: {OID: 3, Schema: "foreshadow", Name: "series", Columns: []Column{{Name: "series", OID: types.Text}, {Name: "description", OID: types.Text}},
		Hidden: map[string]string{"description": "s.kind = 'load'"}},
}

var (
	literalCast = regexp.MustCompile(`^CAST\('(.*)' AS .*\)$`)
	typeIDs     = map[string]uint32{"timestamptz": types.TimestampTZ, "int4": types.Int4, "text": types.Text, "numeric": types.Numeric, "interval": types.Interval, "int4[]": 1007, "date": types.Date}
)

// TestTranslate reads testdata: PostgreSQL's SQL in, DuckDB's out, or the refusal. A line "-- type value" gives the type and
// the value of each constant expression in turn, as the mirror would.
func TestTranslate(t *testing.T) {
	t.Parallel()
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			run := translate
			if d.Cmd == "lend" {
				run = lend
			}
			text, err := run(d.Input)
			if err != nil {
				e := sqlerr.From(err)
				return fmt.Sprintf("%s at %d: %s\n", e.Code, e.Position, e.Message)
			}
			return text + "\n"
		})
	})
}

func translate(input string) (string, error) {
	var sql []string
	var oids []uint32
	var texts []*string
	for _, line := range strings.Split(input, "\n") {
		given, isConst := strings.CutPrefix(line, "-- ")
		if !isConst {
			sql = append(sql, line)
			continue
		}
		typ, v, _ := strings.Cut(given, " ")
		oids = append(oids, typeIDs[typ])
		texts = append(texts, &v)
	}
	q, err := Parse(strings.Join(sql, "\n"), nil)
	if err != nil {
		return "", err
	}
	if q.Kind != Select {
		return fmt.Sprintf("kind %d %s", q.Kind, q.Command), nil
	}
	names, err := q.Constants()
	if err != nil {
		return "", err
	}
	if len(names) != len(oids) {
		return "", fmt.Errorf("constants: %q", names)
	}
	in := Input{Relations: relations, ISODates: true, Plain: true}
	for i, n := range names {
		in.Constants = append(in.Constants, Constant{SQL: n, OID: oids[i], TypMod: -1})
	}
	plan, err := q.Translate(in)
	if err != nil {
		return "", err
	}
	in.Values = append([]*string{}, texts...)
	for _, c := range plan.Constants[len(names):] {
		in.Values = append(in.Values, &literalCast.FindStringSubmatch(c.SQL)[1])
	}
	if plan, err = q.Translate(in); err != nil {
		return "", err
	}
	text := plan.body
	for _, u := range plan.Uses {
		if u.Function != "" {
			text += "\n" + u.CTE + " = " + u.Function + " " + strconv.Quote(*u.Args[0])
			continue
		}
		text += "\n" + u.CTE + " = " + u.Relation.Name
		for name := range u.Relation.Hidden {
			text += " without " + name
		}
	}
	return text, nil
}

// lend prints each loan as the columns and the conditions that the shadow is asked for, and the statement with the loans' numbers in their places.
func lend(input string) (string, error) {
	q, err := Parse(input, nil)
	if err != nil {
		return "", err
	}
	names, err := q.Constants()
	if err != nil {
		return "", err
	}
	in := Input{Relations: relations, ISODates: true, Plain: true}
	for _, n := range names {
		in.Constants = append(in.Constants, Constant{SQL: n, OID: types.Int4, TypMod: -1})
	}
	l, err := q.Lend(in, true)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	bodies := make([]string, len(l.Loans))
	for i, loan := range l.Loans {
		asked := loan.Query
		if loan.Filtered != nil {
			asked = loan.Filtered
		}
		text, err := printed(asked.stmt)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(&out, text)
		bodies[i] = fmt.Sprint("SELECT ", i+1)
	}
	text, err := l.SQL(bodies)
	return out.String() + text, err
}

// TestSQL holds the form in which relations' definitions join the body.
func TestSQL(t *testing.T) {
	t.Parallel()
	q, err := Parse("SELECT description FROM foreshadow.series", nil)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := q.Translate(Input{Relations: relations})
	if err != nil {
		t.Fatal(err)
	}
	want := `WITH r1 AS (SELECT CAST(s."series" AS VARCHAR) AS c1, CAST(CASE WHEN s.kind = 'load' THEN NULL ELSE s."description" END AS VARCHAR) AS c2 FROM (SELECT 1) AS s)
SELECT CAST(s2.c1 AS VARCHAR) AS c1 FROM (SELECT t1.c2 AS c1 FROM r1 AS t1) AS s2`
	if got := plan.SQL([]string{"SELECT 1"}); got != want {
		t.Errorf("got %s", got)
	}
}

// FuzzTranslate holds that no statement makes the translator panic.
func FuzzTranslate(f *testing.F) {
	for _, s := range []string{"select * from orders", "select avg(amount) over (order by id) from orders group by 1", "with recursive a as (select 1 union all select 1 from a) table a",
		"select (select), row(1), array[1], t.* from orders t join customers using (id) limit null", "select case when 1 then end from orders", "values (1,2),(3)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := Parse(s, nil)
		if err != nil || q.Kind != Select {
			return
		}
		names, err := q.Constants()
		if err != nil {
			return
		}
		in := Input{Relations: relations}
		for _, n := range names {
			in.Constants = append(in.Constants, Constant{SQL: n, OID: types.Int4})
		}
		if _, err := q.Translate(in); sqlerr.Code(err) == sqlerr.Internal {
			t.Fatal(err)
		}
		l, err := q.Lend(in, true)
		if err == nil {
			_, err = l.SQL(slices.Repeat([]string{"SELECT 1"}, len(l.Loans)))
		}
		if sqlerr.Code(err) == sqlerr.Internal {
			t.Fatal(err)
		}
	})
}
