package mirror

import (
	"context"
	"io"
	"strconv"
	"strings"

	"foreshadow/sql/result"
	"foreshadow/sql/sqlerr"

	"github.com/jackc/pgx/v5/pgproto3"
)

const (
	// fetchRows is how many rows are asked for at once: another statement can run between two fetches, as portals stay open.
	fetchRows = 2048
	// batchRows and batchBytes bound one batch.
	batchRows  = 1024
	batchBytes = 256 << 10
	// heldBytes bounds what one result may keep in memory because another statement was run before it was read.
	heldBytes = 64 << 20
)

// rows is a result under way: a portal that is read in fetches of fetchRows.
type rows struct {
	s       *Session
	portal  string
	fields  []result.Field
	txEpoch int
	held    []*result.Batch // read from the wire, not yet given out
	size    int             // bytes in held
	lastLen int             // rows of the last batch
	lastUse int             // bytes of its values
	done    bool
	closed  bool
	copying bool
	limit   int64 // of the rows that are asked for; 0 is none
	kept    bool  // the portal has a name of the client's, and outlives these rows
	count   int64
	tag     string
	err     error
}

// Fields describes the columns; nil when the statement returns no rows.
func (r *rows) Fields() []result.Field { return r.fields }

// Tag is the command tag, valid after io.EOF.
func (r *rows) Tag() string { return r.tag }

// Copy says that the statement was COPY TO STDOUT: each row is one Encoded value, a CopyData payload.
func (r *rows) Copy() bool { return r.copying }

// Next gives the next batch of Encoded columns.
func (r *rows) Next(ctx context.Context) (*result.Batch, error) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	for {
		if len(r.held) > 0 {
			b := r.held[0]
			if r.held = r.held[1:]; len(r.held) == 0 {
				r.size = 0
			}
			return b, nil
		}
		switch {
		case r.err != nil:
			return nil, r.err
		case r.done:
			return nil, io.EOF
		case r.closed:
			return nil, io.EOF
		}
		if err := r.more(ctx); err != nil {
			return nil, err
		}
	}
}

// more reads on: the rest of the fetch under way, or another fetch.
func (r *rows) more(ctx context.Context) error {
	defer r.s.watch(ctx)()
	if r.s.dead != nil {
		return r.s.dead
	}
	if err := r.s.settle(r); err != nil && r.s.dead != nil {
		return err
	}
	if r.s.active != r {
		if r.txEpoch != r.s.txEpoch {
			r.err = sqlerr.New(sqlerr.InvalidCursorName, "the portal does not exist any more").WithHint("A result lives until the end of its transaction.")
			return r.err
		}
		if err := r.fetch(); err != nil {
			return r.fail(err)
		}
	}
	return r.fill()
}

// fetch asks for more rows; they are then under way on the wire.
func (r *rows) fetch() error {
	most := int64(fetchRows)
	if r.limit > 0 {
		most = min(most, r.limit-r.count)
	}
	r.s.send(&pgproto3.Execute{Portal: r.portal, MaxRows: uint32(most)}, &pgproto3.Flush{})
	r.s.active = r
	return r.s.flush()
}

// fill reads one batch, or to the end of the fetch.
func (r *rows) fill() error {
	b := r.newBatch()
	for b.rows < batchRows && b.bytes < batchBytes {
		msg, err := r.s.receive()
		if err != nil {
			r.keep(b)
			return r.fail(err)
		}
		switch m := msg.(type) {
		case *pgproto3.BindComplete, *pgproto3.CopyDone:
		case *pgproto3.DataRow:
			b.add(m.Values)
		case *pgproto3.CopyOutResponse:
			r.copying = true
		case *pgproto3.CopyData:
			b.add([][]byte{m.Data})
		case *pgproto3.CopyInResponse:
			return r.refuseCopyIn()
		case *pgproto3.PortalSuspended:
			r.s.active = nil
			r.keep(b)
			r.done = r.limit > 0 && r.count >= r.limit
			return nil
		case *pgproto3.CommandComplete:
			r.keep(b)
			return r.finish(string(m.CommandTag))
		case *pgproto3.EmptyQueryResponse:
			return r.finish("")
		default:
			return r.fail(r.s.unexpected(m))
		}
	}
	r.keep(b)
	return nil
}

// finish takes the tag. A SELECT's tag counts the last fetch only, so the count is ours.
func (r *rows) finish(tag string) error {
	r.s.active, r.done, r.tag = nil, true, tag
	for _, verb := range []string{"SELECT ", "FETCH "} {
		if strings.HasPrefix(tag, verb) && (r.fields != nil || r.kept) {
			r.tag = verb + strconv.FormatInt(r.count, 10)
		}
	}
	if !r.kept {
		r.s.be.fe.Send(&pgproto3.Close{ObjectType: 'P', Name: r.portal})
	}
	return r.s.complete(tag)
}

// fail ends the result with an error.
func (r *rows) fail(err error) error {
	if r.s.active == r {
		r.s.active = nil
	}
	r.err = err
	return err
}

// refuseCopyIn ends a COPY FROM STDIN: the mirror takes no rows.
func (r *rows) refuseCopyIn() error {
	r.s.send(&pgproto3.CopyFail{Message: "no rows are taken"})
	if err := r.s.flush(); err != nil {
		return r.fail(err)
	}
	if _, err := r.s.receive(); r.s.dead != nil {
		return r.fail(err)
	}
	return r.fail(sqlerr.New(sqlerr.FeatureNotSupported, "COPY FROM STDIN is not supported").WithHint("The shadow is read-only: write to the primary."))
}

// drain reads the fetch under way into memory, because another statement needs the wire. A result too large for that
// fails when it is read further; the other statement is not hurt.
func (r *rows) drain() error {
	for r.s.active == r {
		if err := r.fill(); err != nil {
			if r.s.dead != nil {
				return err
			}
			return nil // the error is this result's own, told by its Next; the transaction's state shows it too
		}
		if r.size > heldBytes {
			r.held, r.size = nil, 0
			if r.err == nil {
				r.err = sqlerr.New(sqlerr.OutOfMemory, "a result of over %d MB was left unread while another statement ran", heldBytes>>20).
					WithHint("Read a result to its end first, or use a cursor.")
			}
		}
	}
	return nil
}

// Close drops what is left. The portal is closed with the next message.
func (r *rows) Close() error {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	r.held = nil
	if r.s.dead != nil {
		return nil
	}
	for r.s.active == r {
		if err := r.fill(); err != nil {
			break
		}
		r.held, r.size = nil, 0
	}
	if !r.kept && !r.done && r.err == nil && r.s.dead == nil && r.txEpoch == r.s.txEpoch {
		r.s.be.fe.Send(&pgproto3.Close{ObjectType: 'P', Name: r.portal})
	}
	r.held = nil
	return nil
}

// batch gathers rows. Values are copied into memory of the batch's own, as the next message overwrites the wire's.
type batch struct {
	columns []result.Column
	arena   []byte
	rows    int
	bytes   int // of values, with what slices cost
	guess   int // rows to make room for
}

// newBatch makes room for as much as the last batch held, so that small results stay cheap and large ones are not copied about.
func (r *rows) newBatch() *batch {
	return &batch{arena: make([]byte, 0, min(r.lastUse+r.lastUse/8+256, 2*batchBytes)), guess: r.lastLen}
}

// add copies one row.
func (b *batch) add(values [][]byte) {
	if b.columns == nil {
		b.columns = make([]result.Column, len(values))
		for i := range b.columns {
			b.columns[i] = result.Column{Kind: result.Encoded, Bytes: make([][]byte, 0, b.guess)}
		}
	}
	for i, v := range values {
		var kept []byte
		if v != nil {
			if cap(b.arena)-len(b.arena) < len(v) {
				b.arena = make([]byte, 0, max(min(2*cap(b.arena), batchBytes), len(v)))
			}
			start := len(b.arena)
			b.arena = append(b.arena, v...)
			kept = b.arena[start:len(b.arena):len(b.arena)]
		}
		b.columns[i].Bytes = append(b.columns[i].Bytes, kept)
		b.bytes += len(v) + 24
	}
	b.rows++
}

// keep queues a batch for Next.
func (r *rows) keep(b *batch) {
	if b.rows == 0 || r.closed {
		return
	}
	r.held = append(r.held, &result.Batch{Len: b.rows, Columns: b.columns})
	r.lastLen, r.lastUse = b.rows, b.bytes-24*b.rows*len(b.columns)
	r.size += b.bytes
	r.count += int64(b.rows)
}
