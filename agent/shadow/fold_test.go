package shadow

import (
	"strconv"
	"testing"

	"foreshadow/agent/change"
)

// TestFoldsWhatIsRead reads some of the tables that have changes: the others wait in the tail, also over a seal and a failed transaction, and tables that
// were read lately always show one moment.
func TestFoldsWhatIsRead(t *testing.T) {
	d := start(t, t.TempDir())
	defer d.Close()
	rels := make([]*change.Relation, 3)
	for i := range rels {
		rels[i] = items()
		rels[i].OID, rels[i].Name = uint32(10+i), "t"+strconv.Itoa(i)
		load(t, d, rels[i], 1, row("1", "a", "0"))
	}
	update := func(lsn change.LSN, n string) {
		t.Helper()
		var changes []change.Change
		for _, rel := range rels {
			changes = append(changes, change.Change{Op: change.Update, Relation: rel, After: row("1", "a", n)},
				change.Change{Op: change.Insert, Relation: rel, After: row(n+"0", "b", n)})
		}
		put(t, d, lsn, changes...)
	}
	waiting := func(want ...int) {
		t.Helper()
		d.mu.Lock()
		defer d.mu.Unlock()
		for i := range rels {
			n := 0
			if tl := d.tail[rels[i].OID]; tl != nil {
				n = len(tl.entries)
			}
			if n != want[i] {
				t.Errorf("%d changes of table %d wait to be folded instead of %d", n, i, want[i])
			}
		}
	}
	d.stop() // nothing is folded by itself
	d.parts.Wait()

	update(10, "1")
	source(t, d, Ref{OID: 11})
	waiting(2, 0, 2)
	update(20, "2")
	waiting(4, 2, 4)
	if err := d.Seal(); err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	d.rollback()
	d.mu.Unlock()
	waiting(4, 2, 4)

	first, second := source(t, d, Ref{OID: 10}), source(t, d, Ref{OID: 11})
	waiting(0, 0, 4)
	update(30, "3")
	source(t, d, Ref{OID: 10}) // somebody else's
	if got := ask(t, d, "SELECT a.n, b.n FROM ("+first+") a JOIN ("+second+") b USING (id) WHERE id = 1"); got != "3|3" {
		t.Errorf("the tables show the moments %s", got)
	}
	for _, rel := range rels {
		shows(t, d, Ref{OID: rel.OID}, "1|a|3", "10|b|1", "20|b|2", "30|b|3")
		shows(t, d, Ref{OID: rel.OID, AsOf: AsOf{LSN: 20}}, "1|a|2", "10|b|1", "20|b|2")
	}
}
