package capture

import (
	"bytes"
	"encoding/binary"
	"time"

	"foreshadow/agent/change"
)

// reader takes a replication message apart. After its end it gives zeros, and short says so.
type reader struct {
	b     []byte
	short bool
}

func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.b, r.short = nil, true
		return make([]byte, 8)
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) byte() byte      { return r.take(1)[0] }
func (r *reader) uint16() int     { return int(binary.BigEndian.Uint16(r.take(2))) }
func (r *reader) uint32() uint32  { return binary.BigEndian.Uint32(r.take(4)) }
func (r *reader) lsn() change.LSN { return change.LSN(binary.BigEndian.Uint64(r.take(8))) }
func (r *reader) time() time.Time {
	return postgresEpoch.Add(time.Duration(r.lsn()) * time.Microsecond)
}
func (r *reader) string() (s string) {
	end := bytes.IndexByte(r.b, 0)
	if end < 0 {
		r.b, r.short = nil, true
		return ""
	}
	return string(r.take(end + 1)[:end])
}

// postgresEpoch is where PostgreSQL's times begin.
var postgresEpoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// described is a Relation message: a shape as the stream tells it.
type described struct {
	oid          uint32
	schema, name string
	identity     byte
	columns      []describedColumn
}

type describedColumn struct {
	key  bool
	name string
	typ  uint32
	mod  int32
}

func (r *reader) described() (d described) {
	d = described{oid: r.uint32(), schema: r.string(), name: r.string(), identity: r.byte()}
	for range r.uint16() {
		if r.short {
			break
		}
		d.columns = append(d.columns, describedColumn{key: r.byte()&1 == 1, name: r.string(), typ: r.uint32(), mod: int32(r.uint32())})
	}
	return d
}
