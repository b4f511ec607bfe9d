package mirror

import (
	"context"
	"regexp"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// keywordPassword finds the password in a keyword string.
var keywordPassword = regexp.MustCompile(`(?i)(?:^|\s)password\s*=\s*(?:'(?:[^'\\]|\\.)*'|[^\s'](?:[^\s\\]|\\.)*)(?:\s|$)`)

// surely is how often the full fingerprint is taken even when the counters stand still: PostgreSQL writes them late.
const surely = 5 * time.Second

// watcher looks for schema changes over connections that stay open: counters each time, the fingerprint when they moved.
type watcher struct {
	conns    []*pgx.Conn
	counters []int64
	last     time.Time     // of the last full look
	cost     time.Duration // of the last full look
	moved    bool          // that the last full look was for

	sized  time.Time     // when the relations' sizes were read last,
	sizing time.Duration // and how long that took
}

// seldom is how much rarer than it might full looks are that nothing gives a reason for, so that one with a reason finds the time for it unused.
const seldom = 10

// due says whether the catalogs are to be read in full. A first look for a reason comes at once, the next ones in the share of time that they may take.
func (w *watcher) due(moved bool) bool {
	rest := checkAtMost * w.cost
	switch {
	case moved && !w.moved:
		return true
	case !moved:
		rest = max(surely, seldom*rest)
	}
	return time.Since(w.last) >= rest
}

// changed says whether the primary's fingerprint is another than known, and how long the primary was busy with the counters.
func (w *watcher) changed(ctx context.Context, o Options, known string) (bool, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	began := time.Now()
	counters, err := w.count(ctx, o)
	if err != nil {
		w.close()
		return false, 0, err
	}
	spent := time.Since(began)
	moved := !slices.Equal(counters, w.counters)
	if !w.due(moved) {
		return false, spent, nil
	}
	w.counters, w.moved, w.last = counters, moved, time.Now()
	var print string
	for i, conn := range w.conns {
		var one string
		if err := conn.QueryRow(ctx, fingerprintSQL).Scan(&one); err != nil {
			w.close()
			return false, 0, err
		}
		if i > 0 {
			print += " "
		}
		print += one
	}
	w.cost = time.Since(w.last)
	return print != known, spent, nil
}

// count reads the counters of all databases, connecting first when need be.
func (w *watcher) count(ctx context.Context, o Options) ([]int64, error) {
	for len(w.conns) < len(o.Databases) {
		conn, err := connect(ctx, o, o.Databases[len(w.conns)])
		if err != nil {
			return nil, err
		}
		w.conns = append(w.conns, conn)
	}
	out := make([]int64, len(w.conns))
	for i, conn := range w.conns {
		if err := conn.QueryRow(ctx, activitySQL).Scan(&out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// close drops the connections.
func (w *watcher) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, conn := range w.conns {
		_ = conn.Close(ctx)
	}
	w.conns = nil
}
