package ast

// PeriodKind tells a moment from the two kinds of intervals.
type PeriodKind uint8

// The kinds. Between has its end within, FromTo has not.
const (
	AsOf PeriodKind = iota
	Between
	FromTo
)

// Period is what FOR SYSTEM_TIME or VERSIONS says of a table: the texts of constant expressions. AsOf has only To; in an interval an empty
// text is MINVALUE or MAXVALUE.
type Period struct {
	Kind     PeriodKind
	From, To string
}

// Expressions are the texts that must be computed.
func (p Period) Expressions() []string {
	var out []string
	for _, e := range []string{p.From, p.To} {
		if e != "" {
			out = append(out, e)
		}
	}
	return out
}
