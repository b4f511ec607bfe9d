package parse

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"foreshadow/sql/ast"
	"foreshadow/sql/sqlerr"
)

// TestStatements reads testdata: each input is a statement (or, under "split", a query string) with what becomes of it.
func TestStatements(t *testing.T) {
	t.Parallel()
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "statement":
				st, err := Statement(d.Input)
				if err != nil {
					return errorText(err)
				}
				return fmt.Sprintf("%T%+v\n", st, st)
			case "split":
				texts, err := Split(d.Input)
				if err != nil {
					return errorText(err)
				}
				var b strings.Builder
				for _, x := range texts {
					fmt.Fprintf(&b, "%d %q\n", x.Offset, x.SQL)
				}
				return b.String()
			case "systemtime":
				p, err := TakeSystemTime(d.Input)
				if err != nil {
					return errorText(err)
				}
				out := strings.TrimRight(p.SQL, " ") + "|\n"
				var at []int
				for k := range p.Periods {
					at = append(at, k)
				}
				slices.Sort(at)
				for _, k := range at {
					out += fmt.Sprintf("%d: %s\n", k, periodText(p.Periods[k]))
				}
				return out
			}
			return "unknown command " + d.Cmd
		})
	})
}

func periodText(p ast.Period) string {
	switch p.Kind {
	case ast.Between:
		return "between " + p.From + " and " + p.To
	case ast.FromTo:
		return "from " + p.From + " to " + p.To
	case ast.AsOf:
	}
	return p.To
}

func errorText(err error) string {
	e := sqlerr.From(err)
	return fmt.Sprintf("%s at %d: %s\n", e.Code, e.Position, e.Message)
}

// FuzzSplit holds that no text makes the splitter panic, and that pieces lie in the text where they say.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{"", ";", "select 1;", "create predictive instance x at horizon '1 day'", "select $$;$$", "/* ; */", "approve request 1 hash e'\\'", "select * from t for system_time as of ("} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		texts, err := Split(s)
		if err != nil {
			return
		}
		runes := []rune(s)
		for _, x := range texts {
			if got := string(runes[x.Offset : x.Offset+len([]rune(x.SQL))]); got != x.SQL {
				t.Fatalf("piece at %d is %q, not %q", x.Offset, got, x.SQL)
			}
		}
	})
}
