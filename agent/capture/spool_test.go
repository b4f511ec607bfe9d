package capture

import (
	"context"
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"foreshadow/agent/change"
)

// block wraps messages as the primary streams them before the commit: each is a sub-transaction's number and a message without it.
type sent struct {
	sub uint32
	m   []byte
}

func block(xid uint32, messages ...sent) [][]byte {
	out := [][]byte{append(binary.BigEndian.AppendUint32([]byte{'S'}, xid), 1)}
	for _, s := range messages {
		out = append(out, append(binary.BigEndian.AppendUint32(s.m[:1:1], s.sub), s.m[1:]...))
	}
	return append(out, []byte{'E'})
}

// shape is the Relation message of table t (a int PRIMARY KEY, b text).
func shape() []byte {
	b := binary.BigEndian.AppendUint32([]byte{'R'}, 7)
	b = append(b, "public\x00t\x00d\x00\x02"...)
	b = append(b, "\x01a\x00\x00\x00\x00\x17\xff\xff\xff\xff"...)
	return append(b, "\x00b\x00\x00\x00\x00\x19\xff\xff\xff\xff"...)
}

func inserted(a, b string) []byte {
	m := append(binary.BigEndian.AppendUint32([]byte{'I'}, 7), 'N', 0, 2)
	for _, v := range []string{a, b} {
		m = append(binary.BigEndian.AppendUint32(append(m, 't'), uint32(len(v))), v...)
	}
	return m
}

func aborted(xid, sub uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte{'A'}, xid), sub)
}

func committed(xid uint32, lsn uint64) []byte {
	b := append(binary.BigEndian.AppendUint32([]byte{'c'}, xid), 0)
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, lsn), lsn+8), 1_000_000)
}

// decoding is a decoder with a spool, which notes what comes out.
func decoding(t testing.TB, out *[]string) *streamed {
	t.Helper()
	sp, err := newSpool("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sp.close)
	d := &decoder{relations: map[uint32]*change.Relation{}, lookup: func(context.Context, uint32) (*Table, error) { return nil, nil }}
	d.emit = func(tx change.Tx) error {
		for _, c := range tx.Changes {
			*out = append(*out, tx.CommitLSN.String()+" "+c.Op.String()+" "+string(c.After[0].Text)+"|"+string(c.After[1].Text))
		}
		return nil
	}
	d.idle = func(at change.LSN) error { *out = append(*out, at.String()+" idle"); return nil }
	return &streamed{d: d, spool: sp}
}

// TestStreamedTransactions holds that interleaved transactions come out whole, at their commits, without what was rolled back.
func TestStreamedTransactions(t *testing.T) {
	t.Parallel()
	var got []string
	s := decoding(t, &got)
	var messages [][]byte
	add := func(m ...[]byte) { messages = append(messages, m...) }
	add(block(10, sent{10, shape()}, sent{10, inserted("1", "one")})...)
	add(block(20, sent{20, shape()}, sent{20, inserted("2", "two")}, sent{21, inserted("3", "rolled back")}, sent{22, inserted("4", "its child")})...)
	add(block(10, sent{11, shape()}, sent{11, inserted("5", "rolled back, but the shape is needed")})...)
	add(aborted(10, 11), aborted(20, 22), aborted(20, 21), aborted(20, 99))
	add(block(30, sent{30, shape()}, sent{30, inserted("6", "never")})...)
	add(block(20, sent{23, inserted("7", "seven")})...)
	add(committed(20, 100), aborted(30, 30))
	add(block(10, sent{12, inserted("8", strings.Repeat("x", 300_000))})...)
	add(committed(10, 200))
	add(block(40, sent{40, shape()}, sent{41, inserted("9", "rolled back")})...)
	add(aborted(40, 41), committed(40, 300))
	for i, m := range messages {
		if taken, err := s.message(t.Context(), m); err != nil || !taken {
			t.Fatalf("message %d: %v %v", i, taken, err)
		}
	}
	want := []string{"0/64 insert 2|two", "0/64 insert 7|seven", "0/C8 insert 1|one", "0/C8 insert 8|" + strings.Repeat("x", 300_000), "0/134 idle"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%.300q", got)
	}
	if left, err := os.ReadDir(s.spool.dir); err != nil || len(left) != 0 {
		t.Errorf("%d transactions are left in the spool: %v", len(left), err)
	}
	if _, err := s.message(t.Context(), committed(77, 300)); err == nil {
		t.Error("a commit without changes was taken")
	}
}

// FuzzMessages holds that no bytes make the decoder panic or take memory without bound.
func FuzzMessages(f *testing.F) {
	for _, m := range [][]byte{shape(), inserted("1", "x"), committed(1, 2), aborted(1, 2), block(1)[0], []byte("B12345678123456781234"), []byte("C0123456781234567812345678"), []byte("T\x00\x00\x00\x01\x01\x00\x00\x00\x07")} {
		f.Add(m, m)
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var out []string
		s := decoding(t, &out)
		s.d.emit = func(change.Tx) error { return nil }
		for _, m := range [][]byte{shape(), a, b} {
			if taken, err := s.message(t.Context(), m); err == nil && !taken {
				_ = s.d.message(t.Context(), m)
			}
		}
	})
}
