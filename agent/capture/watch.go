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
func (s *Source) Watch(ctx context.Context, every time.Duration, changed func(Catalog) error) error {
	return s.with(ctx, func(c *pgx.Conn) error {
		tick := time.NewTicker(every)
		defer tick.Stop()
		last := ""
		for {
			var now string
			if err := c.QueryRow(ctx, fingerprintSQL).Scan(&now); err != nil {
				return err
			}
			if now != last {
				cat, err := readCatalog(ctx, c)
				if err != nil {
					return err
				}
				if err := changed(cat); err != nil {
					return err
				}
				last = now
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
			}
		}
	})
}

// PostgreSQL's WAL pages and the largest header they begin with.
const (
	pageSize   = 8192
	pageHeader = 48
)

func readCatalog(ctx context.Context, c *pgx.Conn) (cat Catalog, err error) {
	if cat.Tables, err = tables(ctx, c, 0); err != nil {
		return cat, err
	}
	var pos string
	if err := c.QueryRow(ctx, "SELECT pg_current_wal_insert_lsn()::text").Scan(&pos); err != nil {
		return cat, err
	}
	if cat.LSN, err = change.ParseLSN(pos); cat.LSN%pageSize < pageHeader {
		cat.LSN -= cat.LSN % pageSize // the stream stops before a page's header, not after it
	}
	return cat, err
}
