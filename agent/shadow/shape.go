package shadow

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"foreshadow/agent/change"
)

// resolve finds the table and the shape that a change has, and brings the table to that shape when it is new.
func (d *DB) resolve(message *change.Relation, tx *change.Tx) (*known, error) {
	if k := d.known[message]; k != nil {
		return k, nil
	}
	rel := message
	t := d.tables[rel.OID]
	if t != nil && t.Version > 0 {
		rel = numbered(rel, d.shape(t))
		if now := d.shape(t); !d.replaying && d.adopted[message] && renamed(rel, now) {
			rel = now // its schema was renamed since, which the stream does not tell
		}
	}
	d.adopted[message] = true
	v, err := d.version(rel)
	if err != nil {
		return nil, err
	}
	if t == nil {
		t = &table{OID: rel.OID}
		d.tables[rel.OID] = t
		d.touched[rel.OID] = true
	}
	k := &known{t: t, version: v, cols: jsonColumns(rel), keys: keys(rel), primary: primaryKey(rel)}
	if t.Filter.holds(tx.CommitLSN, tx.XID) {
		return k, nil // an older shape than the copy's; only the log needs it
	}
	if t.Synced && t.Dropped == 0 {
		if err := d.adapt(t, rel, v, tx); err != nil {
			return nil, fmt.Errorf("change the table's shape: %w", err)
		}
	}
	if t.Synced && t.Dropped == 0 {
		k.risky = risky(t.gen())
	}
	d.known[message] = k
	return k, nil
}

// adapt brings a table to the shape that a change has. A replay has no sessions, and the journal tells it of every change of shape.
func (d *DB) adapt(t *table, rel *change.Relation, v int32, tx *change.Tx) error {
	if d.replaying {
		return nil
	}
	t.Shaped = &Xact{tx.CommitLSN, tx.XID}
	d.touched[t.OID] = true
	if t.Version != v || !kept(t.Trace, rel.Trace, nil, rel) {
		if err := d.reshape(t, v, rel.Trace, !twins(d.shape(t), rel), Mark{tx.CommitLSN, tx.CommitTime}); err != nil {
			return err
		}
	}
	if rel.Trace != nil {
		t.Trace = rel.Trace
	}
	return nil
}

// numbered gives the columns of a stream's shape their numbers where the catalog had moved on before they could be looked up. A number is never used
// twice, so the columns that the table had before and still had later were there in between: when there are as many, they are the same, in the same order.
func numbered(rel, before *change.Relation) *change.Relation {
	var kept []change.Column
	for _, c := range before.Columns {
		if c.AttNum != 0 && slices.Contains(rel.Later, c.AttNum) {
			kept = append(kept, c)
		}
	}
	if rel.Later == nil || len(kept) != len(rel.Columns) {
		return rel
	}
	r := *rel
	r.Columns, r.Later = slices.Clone(rel.Columns), nil
	for i := range r.Columns {
		r.Columns[i].AttNum, r.Columns[i].Missing, r.Columns[i].Rewrite = kept[i].AttNum, kept[i].Missing, kept[i].Rewrite
	}
	return &r
}

// risky lists the columns in which a value may not fit its DuckDB type.
func risky(g *gen) []int {
	var cols []int
	for i, typ := range g.Types {
		if strings.HasPrefix(typ, "DECIMAL") || strings.HasPrefix(typ, "TIMESTAMP") {
			cols = append(cols, i)
		}
	}
	return cols
}

// Reshape brings a table to a shape that the catalog showed, for a change of columns that no row has followed yet. seen tells which
// transactions the catalog showed, at its moment: where it is older than the shape that the stream brought, it is left alone.
func (d *DB) Reshape(_ context.Context, rel *change.Relation, seen *Filter, at Mark) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.tables[rel.OID]
	if d.open || t == nil || !t.Synced || t.Dropped != 0 || sameShape(d.shape(t), rel) && reflect.DeepEqual(t.Trace, rel.Trace) {
		return nil
	}
	if t.Shaped != nil && !seen.holds(t.Shaped.LSN, t.Shaped.XID) {
		return nil
	}
	return d.transact(func() error {
		v, err := d.version(rel)
		if err != nil {
			return err
		}
		if t.Version != v || !kept(t.Trace, rel.Trace, nil, rel) {
			// The stream's rows may be of the new columns already: at a commit the catalog shows a change a moment later than the log does.
			err = d.reshape(t, v, rel.Trace, !twins(d.shape(t), rel), at)
		}
		t.Trace, d.touched[t.OID] = rel.Trace, true
		return err
	})
}

// reshape folds everything and gives a table the storage of another shape, with its rows. Where the rows of the new shape cannot be known
// from the old ones, the table is marked for a new copy instead; not sure says that it is not known which of the changes came before.
func (d *DB) reshape(t *table, v int32, trace *change.Trace, sure bool, in Mark) error {
	from, to := d.shape(t), &d.shapes[t.OID][v-1]
	plan, ok := carry(from, to)
	ok = ok && len(to.Columns) > 0 && sure && kept(t.Trace, trace, plan, to) && (identified(from) || !identified(to)) // without an identity, updates were not sent
	if err := d.happen(event{Reshape: &reshaped{OID: t.OID, Version: v, Lost: !ok, In: in}}); err != nil {
		return err
	}
	return d.carryOver(t, v, plan, !ok, in)
}

// carryOver is reshape, when it is known where the rows come from, or that they are lost.
func (d *DB) carryOver(t *table, v int32, plan []int, lost bool, in Mark) error {
	if err := d.foldTail(d.pos.commit, nil); err != nil {
		return err
	}
	if err := d.settle(t); err != nil {
		return err
	}
	clear(d.known)
	d.touched[t.OID] = true
	from, to := d.shape(t), &d.shapes[t.OID][v-1]
	still := stillText(t.AsText, from, to)
	last := d.lastSeen(t)
	if lost {
		t.AsText = union(t.AsText, still) // the shape stays what it is until the copy
		lose := d.lose
		if v == t.Version {
			lose = d.loseUnseen
		}
		lose(t)
		t.Lost.Looked = last // nothing was missed, so a look that is later than the last commit counts too
		t.Note = "the table is copied again after a change of its columns"
		return nil
	}
	t.AsText = still
	if plan == nil {
		t.Version, t.gen().Version = v, v
		t.turn(last, in)
		return d.rekey(t, keys(from), keys(to))
	}
	for i, j := range plan {
		if c := &to.Columns[i]; j < 0 && c.Missing != nil && !fits(fieldType(c).DuckDB, []byte(*c.Missing)) {
			t.AsText = append(t.AsText, c.Name)
		}
	}
	old := t.base()
	if err := d.newGen(t, v); err != nil {
		return err
	}
	t.turn(last, in)
	return d.refill(t, old, plan, to)
}

// stillText names the columns that are kept as text in a new shape: they may have other names there.
func stillText(names []string, from, to *change.Relation) []string {
	var out []string
	for i := range to.Columns {
		if j := origin(from, &to.Columns[i]); j >= 0 && slices.Contains(names, from.Columns[j].Name) {
			out = append(out, to.Columns[i].Name)
		}
	}
	return out
}

// union adds what is not there yet.
func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}

// refill fills the current generation from the one before it.
func (d *DB) refill(t *table, old string, plan []int, to *change.Relation) error {
	filler, err := d.filler(t, plan, to)
	if err != nil {
		return err
	}
	cols := make([]string, len(plan))
	for i, j := range plan {
		switch {
		case j >= 0:
			cols[i] = fmt.Sprintf("o.c%d", j)
		default:
			cols[i] = fmt.Sprintf("x.c%d", i)
		}
	}
	return d.w.execAll(fmt.Sprintf("INSERT INTO %s SELECT %s, o.lo FROM %s o, %s x", t.base(), strings.Join(cols, ", "), old, filler), "DROP TABLE "+filler)
}

// filler is a temporary table of one row: what older rows hold in added columns.
func (d *DB) filler(t *table, plan []int, to *change.Relation) (string, error) {
	row := make([]change.Value, len(plan))
	for i, j := range plan {
		if m := to.Columns[i].Missing; j < 0 && m != nil {
			row[i] = change.Value{State: change.Set, Text: []byte(*m)}
		}
	}
	all := make([]int, len(plan))
	for i := range all {
		all[i] = i
	}
	return "wanted", d.wanted(t, all, [][]change.Value{row}, []int64{0})
}

// carry says where each column of a new shape comes from: the place of an old column, or -1 for an added one.
// It is nil when the columns are the same, and not ok when older rows' values cannot be known.
func carry(from, to *change.Relation) (plan []int, ok bool) {
	plan = make([]int, len(to.Columns))
	same := len(from.Columns) == len(to.Columns)
	for i := range to.Columns {
		c := &to.Columns[i]
		j := origin(from, c)
		if j >= 0 && (from.Columns[j].TypeOID != c.TypeOID || from.Columns[j].TypMod != c.TypMod) {
			return nil, false
		}
		if j < 0 && c.Rewrite || unnumbered(c) != slices.ContainsFunc(from.Columns, func(o change.Column) bool { return unnumbered(&o) }) {
			return nil, false
		}
		plan[i] = j
		same = same && j == i
	}
	if same {
		return nil, true
	}
	return plan, true
}

// kept says whether older rows still hold what is known of them, going by what the catalog showed before and shows now. They do not where a rewrite
// came together with another change of a column, as with ALTER COLUMN TYPE ... USING. plan is carry's; an added column has its default or NULL
// unless a rewrite has taken the default into the rows, or the column is an old one, which was generated.
func kept(was, now *change.Trace, plan []int, to *change.Relation) bool {
	if was == nil || now == nil {
		return true
	}
	rewritten := was.File != now.File
	for i := range to.Columns {
		c := &to.Columns[i]
		added := plan != nil && plan[i] < 0
		switch {
		case added && (c.AttNum <= was.Width || rewritten && c.Missing == nil):
			return false
		case !added && rewritten && was.Changed[c.AttNum] != now.Changed[c.AttNum]:
			return false
		}
	}
	return true
}

// twins says that the stream cannot tell two different shapes apart: a column was dropped and made again.
func twins(a, b *change.Relation) bool {
	r := *a
	r.Columns = slices.Clone(a.Columns)
	for i := range min(len(a.Columns), len(b.Columns)) {
		r.Columns[i].AttNum = b.Columns[i].AttNum
	}
	return sameShape(&r, b) && !sameShape(a, b)
}

// renamed says that two shapes differ in nothing but their schema's name.
func renamed(a, b *change.Relation) bool {
	r := *a
	r.Schema = b.Schema
	return sameShape(&r, b)
}

// unnumbered says that it is not known which of the table's columns this is: one of the same name may be another one.
func unnumbered(c *change.Column) bool { return c.AttNum == 0 }

// origin finds an old column by its number in the catalog, which survives a rename, or by its name where a number is not known.
func origin(from *change.Relation, c *change.Column) int {
	return slices.IndexFunc(from.Columns, func(o change.Column) bool {
		if o.AttNum != 0 && c.AttNum != 0 {
			return o.AttNum == c.AttNum
		}
		return o.Name == c.Name
	})
}

// fit makes room for values that a column's DuckDB type cannot hold: from then on the column is kept as PostgreSQL's text, and that is said.
func (d *DB) fit(k *known, row []change.Value) error {
	for _, i := range k.risky {
		if i < len(row) && row[i].State == change.Set && !fits(k.t.gen().Types[i], row[i].Text) {
			if err := d.widen(k.t, i); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *DB) widen(t *table, col int) error {
	if err := d.foldTail(d.pos.commit, nil); err != nil {
		return err
	}
	if err := d.settle(t); err != nil {
		return err
	}
	name := d.shape(t).Columns[col].Name
	d.log.Warn("a column is kept as text from now on, because its DuckDB type cannot hold one of its values", "table", d.shape(t).Name, "column", name)
	t.AsText = append(t.AsText, name)
	old, types := t.base(), t.gen().Types
	if err := d.newGen(t, t.Version); err != nil {
		return err
	}
	at := Mark{LSN: d.pos.commit, Time: d.pos.time}
	t.turn(at, Mark{LSN: at.LSN + 1, Time: at.Time})
	clear(d.known)
	cols := make([]string, len(types))
	for i, typ := range types {
		cols[i] = fmt.Sprintf("c%d", i)
		if i == col {
			cols[i] = asText(cols[i], typ)
		}
	}
	return d.w.exec(fmt.Sprintf("INSERT INTO %s SELECT %s, lo FROM %s", t.base(), strings.Join(cols, ", "), old))
}

// AsText names the columns of a table, today's and earlier ones, that are or were kept as text although DuckDB has a type for them.
func (d *DB) AsText(oid uint32) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	found := map[string]bool{}
	for _, t := range d.tables {
		if t.OID != oid && !slices.ContainsFunc(t.Parts, func(p part) bool { return p.Of == oid }) {
			continue
		}
		for i, e := range t.Epochs {
			for k, c := range d.shapeOf(t, i).Columns {
				if t.Gens[e.N-1].Types[k] == "VARCHAR" && fieldType(&c).DuckDB != "VARCHAR" {
					found[c.Name] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// asText writes a value as PostgreSQL does.
func asText(col, typ string) string {
	zone := ""
	if typ == "TIMESTAMPTZ" {
		col, zone = "("+col+" AT TIME ZONE 'UTC')", "+00"
	}
	if !strings.HasPrefix(typ, "TIMESTAMP") {
		return col + "::VARCHAR"
	}
	return fmt.Sprintf("CASE WHEN isinf(%[1]s) THEN %[1]s::VARCHAR WHEN %[1]s::VARCHAR LIKE '%%(BC)%%' THEN replace(%[1]s::VARCHAR, ' (BC)', '') || '%[2]s BC' ELSE %[1]s::VARCHAR || '%[2]s' END", col, zone)
}
