package capture

import (
	"context"
	"fmt"

	"foreshadow/agent/change"
)

// streamed takes the messages of transactions that are sent before they are committed (protocol 2), and puts them through the decoder at their commit.
type streamed struct {
	d     *decoder
	spool *spool
	xid   uint32 // of the block that is open
	open  bool   // a block is open
}

// message takes one message; it says whether it was one for it.
func (s *streamed) message(ctx context.Context, b []byte) (bool, error) {
	if len(b) == 0 {
		return false, errShort
	}
	r := &reader{b: b[1:]}
	switch kind := b[0]; {
	case kind == 'S':
		s.xid = r.uint32()
		if r.short {
			return true, errShort
		}
		s.open = true
		return true, s.spool.begin(s.xid)
	case kind == 'E':
		s.open = false
		return true, nil
	case kind == 'A':
		xid, sub := r.uint32(), r.uint32()
		if r.short {
			return true, errShort
		}
		return true, s.abort(xid, sub)
	case kind == 'c':
		return true, s.commit(ctx, r)
	case !s.open:
		return false, nil
	case kind == 'I' || kind == 'U' || kind == 'D' || kind == 'R' || kind == 'T' || kind == 'M':
		sub := r.uint32()
		if t := s.spool.txs[s.xid]; t != nil && !r.short {
			return true, t.add(sub, b[:1], r.b)
		}
		return true, errShort
	}
	return true, nil // origins and types carry no rows
}

func (s *streamed) abort(xid, sub uint32) error {
	t := s.spool.txs[xid]
	if t == nil {
		return nil
	}
	if xid == sub {
		s.spool.drop(xid)
		return nil
	}
	return t.abort(sub)
}

// commit replays a transaction as if it came now.
func (s *streamed) commit(ctx context.Context, r *reader) error {
	xid := r.uint32()
	r.byte() // flags
	tx, end := change.Tx{XID: xid, CommitLSN: r.lsn()}, r.lsn()
	tx.CommitTime = r.time()
	if r.short {
		return errShort
	}
	t := s.spool.txs[xid]
	if t == nil {
		return fmt.Errorf("the commit of transaction %d came without its changes", xid)
	}
	defer s.spool.drop(xid)
	s.d.begin(tx)
	err := t.each(0, func(m []byte) error {
		if err := s.d.message(ctx, m); err != nil {
			return err
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	return s.d.commit(end)
}
