package risk

// foreseen are the effects of the kinds of change that package hazard tells of, each by its usual statement: a type that needs a rewrite, a
// constraint that is checked, an index that is not built concurrently.
var foreseen = map[string]Effect{
	"add_column":      {Lock: AccessExclusive},
	"drop_column":     {Lock: AccessExclusive},
	"rename_column":   {Lock: AccessExclusive},
	"rename_table":    {Lock: AccessExclusive},
	"drop_table":      {Lock: AccessExclusive},
	"alter_default":   {Lock: AccessExclusive},
	"alter_type":      {Lock: AccessExclusive, Rewrite: true},
	"alter_null":      {Lock: AccessExclusive, Scan: true},
	"add_constraint":  {Lock: AccessExclusive, Scan: true},
	"drop_constraint": {Lock: AccessExclusive},
	"add_index":       {Lock: Share, Builds: 1},
	"drop_index":      {Lock: AccessExclusive},
	"add_trigger":     {Lock: ShareRowExclusive},
	"add_partition":   {Lock: AccessExclusive},
}

// entry is about what an index takes for a row, by which the indexes of a table are counted from their bytes.
const entry = 30

// Foreseen assesses a kind of change on a table of which only the outlook is known, so many days ahead; ok is false for a kind without a usual statement.
func Foreseen(kind, relation string, o *Outlook, day int) (a Assessment, ok bool) {
	e, ok := foreseen[kind]
	if !ok {
		return a, false
	}
	t := o.Tables[relation]
	e.Relation = &Relation{OID: 1, Name: relation, Kind: "r", Indexes: make([]Index, int(t.Index/max(t.Rows*entry, 1)+0.5))}
	return Assess([]Step{{Command: kind, Effects: []Effect{e}}}, &Catalog{Relations: []*Relation{e.Relation}}, o, day)[0], true
}
