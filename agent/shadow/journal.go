package shadow

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"time"

	"foreshadow/agent/change"
	"foreshadow/forecast"
)

// The kinds of a journal's record; segments hold the numbers, which are never used for anything else.
const (
	logged   uint8 = iota // a change that only the log holds
	tailed                // a change that the tables hold too
	happened              // anything else that changes the shadow, as the JSON of an event
	stateful              // a table's state when the segment was sealed
	sampled               // a gob of samples
	ran                   // a gob of a forecast run
	foreseen              // a gob of expectations
	evolved               // a gob of schema events
)

// event is what the journal tells beside changes. One field is set.
type event struct {
	Shape   *change.Relation  `json:",omitempty"` // a new shape of a table
	Meta    map[string]string `json:",omitempty"`
	Gap     *Gap              `json:",omitempty"`
	Follow  *change.LSN       `json:",omitempty"` // a new slot's first position
	Lose    *uint32           `json:",omitempty"` // a table whose rows are not known any more
	Reshape *reshaped         `json:",omitempty"`
	Drop    *dropped          `json:",omitempty"`
	Load    *loaded           `json:",omitempty"`
	Expire  *expired          `json:",omitempty"`
	Pin     *Pin              `json:",omitempty"`
}

// reshaped is a table's change to another shape, after which its rows may not be known.
type reshaped struct {
	OID     uint32
	Version int32
	Lost    bool `json:",omitempty"`
	In      Mark // since when it surely has that shape
}

// dropped is the end of a table.
type dropped struct {
	OID uint32
	At  change.LSN
}

// loaded is a table's finished copy. Its rows are in a file of their own.
type loaded struct {
	OID     uint32
	Version int32
	Gen     gen
	LSN     change.LSN
	At      time.Time
	Filter  *Filter  `json:",omitempty"`
	AsText  []string `json:",omitempty"`
	File    file
}

// expired is the end of a part of a table's past.
type expired struct {
	OID  uint32
	UpTo Mark
}

// journal appends a change in its exact form.
func (d *DB) journal(oid uint32, version int32, tx *change.Tx, c *change.Change, after []change.Value, kind uint8) error {
	d.pos.n++
	if d.replaying {
		return nil
	}
	w := d.out.journal
	set(w, 0, d.pos.n)
	set(w, 1, kind)
	set(w, 2, uint64(tx.CommitLSN))
	set(w, 3, c.Seq)
	set(w, 4, tx.CommitTime.UnixMicro())
	set(w, 5, tx.XID)
	set(w, 6, oid)
	set(w, 7, version)
	set(w, 8, uint8(c.Op))
	d.blob(w, 9, c.Before)
	d.blob(w, 10, after)
	return w.next()
}

func (d *DB) blob(w *chunk, col int, row []change.Value) {
	if row == nil {
		w.null(col)
		return
	}
	d.out.buf = packRow(d.out.buf[:0], row)
	d.unsealed += len(d.out.buf)
	w.blob(col, d.out.buf)
}

// happen puts an event into the journal, within the open transaction.
func (d *DB) happen(e event) error {
	d.pos.n++
	if d.replaying {
		return nil
	}
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return d.w.exec("INSERT INTO journal (n, kind, row_after) VALUES ($1, $2, $3)", d.pos.n, int32(happened), b)
}

// noteAside puts what a side transaction stores into the journal's other part, whose numbers are its own. sideMu is held.
func (d *DB) noteAside(c *conn, kind uint8, v any) error {
	if d.replaying {
		return nil
	}
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		return fmt.Errorf("note for the segments: %w", err)
	}
	d.aside++
	return c.exec("INSERT INTO aside VALUES ($1, $2, $3)", d.aside, int32(kind), b.Bytes())
}

// putAside stores again what a side transaction had stored.
func (d *DB) putAside(kind uint8, data []byte) error {
	dec := gob.NewDecoder(bytes.NewReader(data))
	ctx := context.Background()
	switch kind {
	case sampled:
		var s []forecast.Sample
		if err := dec.Decode(&s); err != nil {
			return err
		}
		return d.AppendSamples(ctx, s)
	case ran:
		var run forecast.Run
		if err := dec.Decode(&run); err != nil {
			return err
		}
		_, err := d.SaveRun(ctx, run)
		return err
	case foreseen:
		var es []forecast.Expectation
		if err := dec.Decode(&es); err != nil {
			return err
		}
		return d.SaveExpectations(ctx, es)
	case evolved:
		var es []forecast.SchemaEvent
		if err := dec.Decode(&es); err != nil {
			return err
		}
		_, err := d.AppendSchemaEvents(ctx, es)
		return err
	}
	return fmt.Errorf("a record of kind %d is not known", kind)
}
