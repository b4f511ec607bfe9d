package capture

import (
	"context"
	_ "embed"
	"time"

	"github.com/jackc/pgx/v5"

	"foreshadow/agent/change"
)

//go:embed fingerprint.sql
var fingerprintSQL string

// Watch looks at the catalog every so often, on one session, and calls out when it may have changed; the first look counts as a change.
// unchanged tells a position and a time up to which it surely has not.
func (s *Source) Watch(ctx context.Context, every time.Duration, unchanged func(change.LSN, time.Time), changed func(Catalog) error) error {
	return s.with(ctx, func(c *pgx.Conn) error {
		tick := time.NewTicker(every)
		defer tick.Stop()
		last := ""
		var seen, same look
		for {
			now, err := s.fingerprint(ctx, c)
			if err != nil {
				return err
			}
			if now.print == last {
				seen, same = now, seen // that look came before this one's snapshot, which shows the same
				unchanged(same.lsn, same.at)
			} else {
				cat, err := s.readCatalog(ctx, c)
				if err != nil {
					return err
				}
				cat.SameLSN, cat.SameTime = same.lsn, same.at
				if err := changed(cat); err != nil {
					return err
				}
				last, seen, same = now.print, now, look{}
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
			}
		}
	})
}

// look is one look at the catalog.
type look struct {
	print string
	lsn   change.LSN
	at    time.Time
}

func (s *Source) fingerprint(ctx context.Context, c *pgx.Conn) (l look, err error) {
	var pos string
	l.at = time.Now()
	if err := c.QueryRow(ctx, fingerprintSQL).Scan(&l.print, &pos); err != nil {
		return l, err
	}
	l.lsn, err = s.position(pos)
	return l, err
}

// PostgreSQL's WAL pages and the largest header they begin with.
const (
	pageSize   = 8192
	pageHeader = 48
)

// readCatalog reads the tables in one snapshot, whose bounds tell which transactions' changes of columns it shows.
func (s *Source) readCatalog(ctx context.Context, c *pgx.Conn) (cat Catalog, err error) {
	err = pgx.BeginTxFunc(ctx, c, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		cat.Time = time.Now()
		if err := s.bounds(ctx, c, &cat.Bounds); err != nil {
			return err
		}
		cat.Tables, err = tables(ctx, c, 0)
		return err
	})
	cat.LSN = reachable(cat.LSN)
	return cat, err
}
