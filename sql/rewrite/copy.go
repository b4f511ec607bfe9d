package rewrite

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"foreshadow/sql/sqlerr"
)

// CopyOut is a COPY ... TO: of a relation's columns, or of the query that stands between Start and End of the text.
type CopyOut struct {
	Relation        *RelationName // nil for a query
	Columns         []string      // named after the relation; none means all
	Start, End      int
	Server          bool // to a file or a program
	Binary          bool
	CSV, Header     bool
	Delimiter, Null string
	Quote, Escape   string
	ForceAll        bool
	Force           map[string]bool
}

// Copy reads a COPY TO; ok is false for any other statement.
func (q *Query) Copy() (c CopyOut, ok bool, err error) {
	n := q.stmt.GetCopyStmt()
	if n == nil || n.IsFrom {
		return c, false, nil
	}
	c.Server = n.IsProgram || n.Filename != ""
	if r := n.Relation; r != nil {
		c.Relation = &RelationName{Schema: r.Schemaname, Name: r.Relname, Location: int(r.Location)}
		for _, a := range n.Attlist {
			c.Columns = append(c.Columns, a.GetString_().GetSval())
		}
	} else {
		c.Start, c.End = parenthesised(q.sql)
	}
	values := map[string]string{}
	for _, o := range n.Options {
		e := o.GetDefElem()
		if e.Defname == "force_quote" {
			c.force(e.Arg)
			continue
		}
		values[e.Defname] = optionText(e.Arg)
	}
	return c, true, c.options(values)
}

// force reads FORCE_QUOTE (a, b) or FORCE_QUOTE *.
func (c *CopyOut) force(n *pg.Node) {
	if n.GetAStar() != nil {
		c.ForceAll = true
	}
	c.Force = map[string]bool{}
	for _, i := range n.GetList().GetItems() {
		c.Force[i.GetString_().GetSval()] = true
	}
}

// options fills in PostgreSQL's defaults and refuses what is not written.
func (c *CopyOut) options(values map[string]string) error {
	c.CSV, c.Binary = values["format"] == "csv", values["format"] == "binary"
	c.Delimiter, c.Null = "\t", `\N`
	if c.CSV {
		c.Delimiter, c.Null = ",", ""
	}
	c.Quote = `"`
	if c.Binary {
		for _, name := range []string{"delimiter", "null", "header", "quote", "escape"} {
			if _, said := values[name]; said {
				return sqlerr.New(sqlerr.SyntaxError, "cannot specify %s in BINARY mode", strings.ToUpper(name))
			}
		}
	}
	for name, v := range values {
		switch name {
		case "format":
			if v != "csv" && v != "text" && v != "binary" {
				return sqlerr.New(sqlerr.InvalidParameterValue, "COPY format \"%s\" not recognized", v)
			}
		case "delimiter":
			c.Delimiter = v
		case "null":
			c.Null = v
		case "quote":
			c.Quote = v
		case "escape":
			c.Escape = v
		case "header":
			c.Header = v != "false" && v != "off" && v != "0"
		case "encoding":
			if e := strings.ToLower(strings.ReplaceAll(v, "-", "")); e != "utf8" {
				return sqlerr.New(sqlerr.FeatureNotSupported, "COPY in another encoding than UTF8 is not supported")
			}
		default:
			return sqlerr.New(sqlerr.FeatureNotSupported, "option \"%s\" of COPY is not supported", name)
		}
	}
	if c.Escape == "" {
		c.Escape = c.Quote
	}
	for _, one := range []string{c.Delimiter, c.Quote, c.Escape} {
		if len(one) != 1 || one == "\n" || one == "\r" || one == `\` && !c.CSV {
			return sqlerr.New(sqlerr.InvalidParameterValue, "COPY delimiter, quote and escape must be a single one-byte character")
		}
	}
	if c.CSV && c.Delimiter == c.Quote || strings.ContainsAny(c.Null, "\r\n"+c.Delimiter) || !c.CSV && strings.Contains("\\.abcdefghijklmnopqrstuvwxyz0123456789", c.Delimiter) {
		return sqlerr.New(sqlerr.InvalidParameterValue, "COPY delimiter cannot be \"%s\" here", c.Delimiter)
	}
	return nil
}

// optionText is an option's value as text; one without a value is true.
func optionText(n *pg.Node) string {
	switch {
	case n.GetString_() != nil:
		return n.GetString_().Sval
	case n.GetInteger() != nil:
		if n.GetInteger().Ival == 0 {
			return "0"
		}
		return "1"
	case n.GetBoolean() != nil && !n.GetBoolean().Boolval:
		return "false"
	}
	return "true"
}

// parenthesised finds the text between the first parenthesis and its match.
func parenthesised(sql string) (start, end int) {
	scan, err := pg.Scan(sql)
	if err != nil {
		return 0, 0
	}
	depth := 0
	for _, t := range scan.Tokens {
		switch sql[t.Start:t.End] {
		case "(":
			if depth++; depth == 1 && start == 0 {
				start = int(t.End)
			}
		case ")":
			if depth--; depth == 0 {
				return start, int(t.Start)
			}
		}
	}
	return 0, 0
}

// SelectOf prints the SELECT of a relation's columns.
func (c *CopyOut) SelectOf(columns []string) string {
	items := make([]string, len(columns))
	for i, name := range columns {
		items[i] = quoteIdent(name)
	}
	return "SELECT " + strings.Join(items, ", ") + " FROM " + c.Relation.Key()
}
