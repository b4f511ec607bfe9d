package shadow

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"foreshadow/agent/change"
	"foreshadow/sql/types"
)

// table is what the shadow keeps of one captured table; it is stored as JSON and changes only together with what it describes.
type table struct {
	OID         uint32
	Version     int32 // the shape of the current generation
	Gens        []gen // oldest first; the last one is current
	Synced      bool  // the current generation holds the table's rows
	Since       change.LSN
	SinceTime   time.Time
	Filter      *Filter    `json:",omitempty"`
	Await       []Xact     `json:",omitempty"` // transactions that the copy to come must see
	Dropped     change.LSN `json:",omitempty"`
	DroppedTime time.Time
	Note        string        `json:",omitempty"`
	Unknown     int64         `json:",omitempty"` // values that were not sent and could not be found
	Pending     int64         `json:",omitempty"` // changes that are folded and not settled
	FoldedN     int64         `json:",omitempty"` // the last number of the journal that is folded, where others stand further back
	Parts       []part        `json:",omitempty"` // oldest first
	AsText      []string      `json:",omitempty"` // columns with a value that their DuckDB type cannot hold
	Lost        *lost         `json:",omitempty"` // since when the rows are not known, while they are not
	Gaps        []gap         `json:",omitempty"` // stretches of time in which the rows are not known
	Member      string        `json:",omitempty"` // the key of its place in a publication
	Expired     change.LSN    `json:",omitempty"` // changes up to it are not kept any more
	Trace       *change.Trace `json:",omitempty"` // as the catalog last showed it with the current shape
	used        Mark          // the last transaction whose changes came in the current shape, of this process
	Epochs      []epoch       // oldest first
	Shaped      *Xact         `json:",omitempty"` // the transaction that the current shape first came with, in a session
}

// gen is one generation of a table's storage: current rows in b<oid>_<n>, the versions they replaced in h<oid>_<n>. Where rows have keys, newer rows that are
// not settled yet stand in n<oid>_<n>, and the keys of rows of b that they or a deletion ended in e<oid>_<n>; v<oid>_<n> is a view of the current rows.
// Columns are named c0, c1, ... in the order of the shape; lo and hi are the commits that made and ended a version.
type gen struct {
	N       int
	Version int32
	Types   []string // DuckDB's, column by column
}

// Filter says which transactions a table's copy already holds: those visible in the snapshot it was read in.
// It matters only for commits at or before LSN.
type Filter struct {
	LSN        change.LSN
	Xmin, Xmax uint32
	Xip        []uint32
}

// Xact is a transaction.
type Xact struct {
	LSN change.LSN
	XID uint32
}

// gap is a stretch in which a table's rows are not known: after From, before To.
type gap struct{ From, To Mark }

// lost is since when a table's rows are not known: after Stored, if its columns turn out to be the same as before; otherwise after Looked,
// when they were last seen so, because what changed them can have come before Stored without being noticed. Missed says that changes passed the log by.
type lost struct {
	Stored, Looked Mark
	Missed         bool `json:",omitempty"`
}

// loseUnseen is lose for a change that showed in nothing but its traces: it can have come at any time since the last look.
func (d *DB) loseUnseen(t *table) {
	d.lose(t)
	if t.Lost != nil {
		t.Lost.Stored = t.Lost.Looked
	}
}

// lose says that a table's rows are not known from now on, until they are copied again.
func (d *DB) lose(t *table) {
	if t.Synced && t.Lost == nil {
		stored := Mark{LSN: d.pos.commit, Time: d.pos.time}
		looked := Mark{LSN: t.Since, Time: t.SinceTime}
		for _, m := range []Mark{d.looked, t.used} {
			if m.LSN > looked.LSN {
				looked = m
			}
		}
		if looked.LSN > stored.LSN {
			looked = stored
		}
		t.Lost = &lost{Stored: stored, Looked: looked}
	}
	t.Synced = false
	d.touched[t.OID] = true
}

// found ends the stretch in which a table's rows were not known, with a copy that has these columns.
func (t *table) found(old, now *change.Relation, at Mark) *gap {
	if t.Lost == nil {
		return nil
	}
	g := gap{From: t.Lost.Looked, To: at}
	if sameShape(old, now) && !t.Lost.Missed {
		g.From = t.Lost.Stored
	}
	t.Lost, t.Gaps = nil, append(t.Gaps, g)
	return &g
}

// Looked tells a moment at which the catalog surely was still as it was seen before.
func (d *DB) Looked(m Mark) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if m.after(d.looked) {
		d.looked = m
	}
}

// hidden says in which gap a moment lies, if in one.
func (t *table) hidden(a AsOf) *gap {
	for i := range t.Gaps {
		if g := &t.Gaps[i]; !a.upTo(g.From) && !a.from(g.To) {
			return g
		}
	}
	return nil
}

// await notes a transaction that changed a table whose copy is still to come.
func (t *table) await(tx *change.Tx) {
	if n := len(t.Await); n == 0 || t.Await[n-1].LSN != tx.CommitLSN {
		t.Await = append(t.Await, Xact{tx.CommitLSN, tx.XID})
	}
}

// holds says whether a transaction's changes are already in the copy.
func (f *Filter) holds(lsn change.LSN, xid uint32) bool {
	if f == nil || lsn > f.LSN {
		return false
	}
	if int32(xid-f.Xmin) < 0 {
		return true
	}
	return int32(xid-f.Xmax) < 0 && !slices.Contains(f.Xip, xid)
}

func (t *table) gen() *gen { return &t.Gens[len(t.Gens)-1] }

func (t *table) base() string { return fmt.Sprintf("b%d_%d", t.OID, t.gen().N) }

func (t *table) hist() string { return fmt.Sprintf("h%d_%d", t.OID, t.gen().N) }

func (t *table) newer() string { return fmt.Sprintf("n%d_%d", t.OID, t.gen().N) }

func (t *table) ended() string { return fmt.Sprintf("e%d_%d", t.OID, t.gen().N) }

// visible is a view of the current rows, whatever is settled of them.
func (t *table) visible() string { return fmt.Sprintf("v%d_%d", t.OID, t.gen().N) }

func (d *DB) shape(t *table) *change.Relation { return &d.shapes[t.OID][t.Version-1] }

// reload reads the committed state; it is used at the start and after a rollback.
func (d *DB) reload() error {
	d.tables, d.shapes = map[uint32]*table{}, map[uint32][]change.Relation{}
	d.known, d.tail, d.touched = map[*change.Relation]*known{}, map[uint32]*tail{}, map[uint32]bool{}
	d.adopted = map[*change.Relation]bool{}
	d.tailCount, d.tailBytes = 0, 0
	rows, err := d.w.rows("SELECT commit_lsn, end_lsn, folded_lsn, commit_time, changes, transactions, looked_lsn, looked_time, n, folded_n, proof_lsn FROM position")
	if err != nil {
		return err
	}
	r := rows[0]
	d.pos = position{commit: lsn(r[0]), end: lsn(r[1]), folded: lsn(r[2]), changes: r[4].(int64), transactions: r[5].(int64), n: r[8].(int64), foldedN: r[9].(int64), proof: lsn(r[10])}
	d.pos.time, _ = r[3].(time.Time)
	d.stored = d.pos
	if at, ok := r[7].(time.Time); ok && lsn(r[6]) > d.looked.LSN {
		d.looked = Mark{lsn(r[6]), at}
	}
	if rows, err = d.w.rows("SELECT columns FROM shapes ORDER BY oid, version"); err != nil {
		return err
	}
	for _, r := range rows {
		var rel change.Relation
		if err := json.Unmarshal([]byte(r[0].(string)), &rel); err != nil {
			return fmt.Errorf("read shape: %w", err)
		}
		d.shapes[rel.OID] = append(d.shapes[rel.OID], rel)
	}
	if rows, err = d.w.rows("SELECT state FROM tables"); err != nil {
		return err
	}
	for _, r := range rows {
		t := &table{}
		if err := json.Unmarshal([]byte(r[0].(string)), t); err != nil {
			return fmt.Errorf("read table state: %w", err)
		}
		d.tables[t.OID] = t
	}
	d.placed = Mark{}
	placed, ok, err := one[string](d.w, "SELECT value FROM meta WHERE key = 'placed'")
	if err == nil && ok {
		err = json.Unmarshal([]byte(placed), &d.placed)
	}
	if err != nil {
		return fmt.Errorf("read the partitions' state: %w", err)
	}
	return d.readTail()
}

func lsn(v any) change.LSN { n, _ := v.(int64); return change.LSN(n) }

// save writes the state of the tables that changed and the position into the open transaction.
func (d *DB) save() error {
	if len(d.touched) > 0 {
		d.pos.n++ // the states are newer than what the journal has so far
	}
	for oid := range d.touched {
		b, err := json.Marshal(d.tables[oid])
		if err != nil {
			return err
		}
		if err := d.w.exec("DELETE FROM tables WHERE oid = $1", oid); err != nil {
			return err
		}
		if err := d.w.exec("INSERT INTO tables VALUES ($1, $2, $3)", oid, string(b), d.pos.n); err != nil {
			return err
		}
	}
	p := d.pos
	return d.w.exec("UPDATE position SET commit_lsn = $1, end_lsn = $2, commit_time = $3, folded_lsn = $4, changes = $5, transactions = $6, looked_lsn = $7, looked_time = $8, n = $9, folded_n = $10, proof_lsn = $11",
		uint64(p.commit), uint64(p.end), p.time, uint64(p.folded), p.changes, p.transactions, uint64(d.looked.LSN), d.looked.Time, p.n, p.foldedN, uint64(p.proof))
}

// transact runs f in a transaction of the writer, or within the one that is open. After an error everything since the last commit is undone, in memory too.
func (d *DB) transact(f func() error) error {
	if d.open {
		return f()
	}
	if err := d.w.exec("BEGIN"); err != nil {
		return err
	}
	err := f()
	if err == nil {
		err = d.save()
	}
	if err != nil {
		d.rollback()
		return err
	}
	return d.commit()
}

// commit ends the writer's transaction. An error can come after the commit became durable, which only the file can tell, opened again.
func (d *DB) commit() error {
	if err := d.w.exec("COMMIT"); err != nil {
		d.broken.Store(true)
		d.rollback()
		return fmt.Errorf("commit: %w", err)
	}
	d.open, d.stored = false, d.pos
	clear(d.touched)
	return nil
}

func (d *DB) rollback() {
	d.closeWriters()
	d.open = false
	if err := d.w.exec("ROLLBACK"); err != nil {
		d.log.Debug("rolling back", "error", err)
	}
	if d.broken.Load() {
		return // mend reads the state
	}
	if err := d.reload(); err != nil {
		d.broken.Store(true)
		d.log.Error("reading the shadow's state after a rollback failed", "error", err)
	}
}

// version finds the number of a shape, and records it when it is new.
func (d *DB) version(rel *change.Relation) (int32, error) {
	for i := len(d.shapes[rel.OID]) - 1; i >= 0; i-- {
		if s := &d.shapes[rel.OID][i]; sameShape(s, rel) && slices.Equal(primaryKey(s), primaryKey(rel)) {
			return int32(i + 1), nil
		}
	}
	r := *rel
	r.Columns = slices.Clone(rel.Columns)
	r.Version, r.Later = int32(len(d.shapes[rel.OID])+1), nil
	b, err := json.Marshal(r)
	if err != nil {
		return 0, err
	}
	d.shapes[r.OID] = append(d.shapes[r.OID], r)
	if err := d.w.exec("INSERT INTO shapes VALUES ($1, $2, $3, $4)", r.OID, r.Version, r.Schema+"."+r.Name, string(b)); err != nil {
		return 0, err
	}
	return r.Version, d.happen(event{Shape: &r})
}

// sameShape compares what the stream tells of two shapes.
func sameShape(a, b *change.Relation) bool {
	if a.Schema != b.Schema || a.Name != b.Name || a.Identity != b.Identity {
		return false
	}
	return slices.EqualFunc(a.Columns, b.Columns, func(x, y change.Column) bool {
		return x.Name == y.Name && x.TypeOID == y.TypeOID && x.TypMod == y.TypMod && x.AttNum == y.AttNum && (x.Key == y.Key || a.Identity == change.IdentityFull)
	})
}

// newGen makes the storage of a table's next generation, empty.
func (d *DB) newGen(t *table, version int32) error {
	g := d.nextGen(t, &d.shapes[t.OID][version-1])
	g.Version = version
	t.Gens, t.Version = append(t.Gens, g), version
	d.touched[t.OID] = true
	return d.w.execAll(g.create(t.OID, keys(&d.shapes[t.OID][version-1]))...)
}

func (d *DB) nextGen(t *table, rel *change.Relation) gen {
	g := gen{N: len(t.Gens) + 1, Types: make([]string, len(rel.Columns))}
	for i, c := range rel.Columns {
		g.Types[i] = types.Of(c.TypeOID, c.TypMod).DuckDB
		if slices.Contains(t.AsText, c.Name) {
			g.Types[i] = "VARCHAR"
		}
	}
	return g
}

// create gives the statements that make a generation's tables for rows with these key columns; a copy that was cut off may have left them.
func (g *gen) create(oid uint32, keys []int) []string {
	var cols strings.Builder
	for i, typ := range g.Types {
		fmt.Fprintf(&cols, "c%d %s, ", i, typ)
	}
	made := []string{
		fmt.Sprintf("CREATE OR REPLACE TABLE b%d_%d (%s lo UBIGINT)", oid, g.N, cols.String()),
		fmt.Sprintf("CREATE OR REPLACE TABLE h%d_%d (%s lo UBIGINT, hi UBIGINT)", oid, g.N, cols.String()),
		fmt.Sprintf("CREATE OR REPLACE VIEW v%[1]d_%[2]d AS FROM b%[1]d_%[2]d", oid, g.N),
	}
	if keys == nil {
		return made
	}
	return append(made, fmt.Sprintf("CREATE OR REPLACE TABLE n%d_%d (%s lo UBIGINT)", oid, g.N, cols.String()), g.createEnded(oid, keys))
}

func (g *gen) createEnded(oid uint32, keys []int) string {
	var cols strings.Builder
	for _, i := range keys {
		fmt.Fprintf(&cols, "c%d %s, ", i, g.Types[i])
	}
	return fmt.Sprintf("CREATE OR REPLACE TABLE e%d_%d (%s hi UBIGINT)", oid, g.N, cols.String())
}

// dropLeftovers removes what earlier generations, which are settled, do not need; it was kept for statements that were running.
func (d *DB) dropLeftovers() error {
	for _, t := range d.tables {
		for _, g := range t.Gens[:max(len(t.Gens)-1, 0)] {
			for _, kind := range []string{"VIEW IF EXISTS v", "TABLE IF EXISTS n", "TABLE IF EXISTS e"} {
				if err := d.w.exec(fmt.Sprintf("DROP %s%d_%d", kind, t.OID, g.N)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// columns lists c0, c1, ... with a prefix, for a generation.
func (g *gen) columns(prefix string) string {
	var b strings.Builder
	for i := range g.Types {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%sc%d", prefix, i)
	}
	if len(g.Types) == 0 {
		return "NULL"
	}
	return b.String()
}

// keys gives the places of the key columns; none means that rows have no key, or that the whole row is it.
func keys(rel *change.Relation) []int {
	if rel.Identity == change.IdentityFull {
		return nil
	}
	return primaryKey(rel)
}

// primaryKey gives the places of the columns by which a row is shown: those of keys or, where the whole row is the key, of the primary key, if any.
func primaryKey(rel *change.Relation) []int {
	var k []int
	for i, c := range rel.Columns {
		if c.Key {
			k = append(k, i)
		}
	}
	return k
}

// identified says that updates and deletes of a table are sent.
func identified(rel *change.Relation) bool {
	return rel.Identity == change.IdentityFull || keys(rel) != nil
}
