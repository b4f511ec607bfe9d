package mirror

import (
	"context"
	_ "embed"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// The mirror's tables are empty, so what their files and statistics would say of sizes is wrong. pg_class tells instead what it tells on the primary, as of its last
// VACUUM or ANALYZE of each relation, and the functions of sizes go by that. Reading a catalog locks no table there, which measuring its files would.
var (
	//go:embed sizes.sql
	sizesSQL string // run in an empty database: what is restored after it calls the functions under the numbers that they have from then on
	//go:embed source_sizes.sql
	sourceSizes string
)

// sizesPolls is after how many looks at the primary sizes are read again, at the earliest.
const sizesPolls = 60

const takeSizes = `UPDATE pg_catalog.pg_class c SET relpages = n.relpages, reltuples = n.reltuples, relallvisible = n.relallvisible
  FROM pg_catalog.json_to_recordset($1) AS n(oid pg_catalog.oid, relpages pg_catalog.int4, reltuples pg_catalog.float4, relallvisible pg_catalog.int4)
 WHERE c.oid = n.oid AND (c.relpages, c.reltuples, c.relallvisible) IS DISTINCT FROM (n.relpages, n.reltuples, n.relallvisible)`

// measure brings the sizes in a generation's pg_class, which are those of its build, to those of the primary, in the share of time that looking at it may take.
func (w *watcher) measure(ctx context.Context, o Options, g *generation) error {
	if time.Since(w.sized) < max(sizesPolls*o.Poll, checkAtMost*w.sizing) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	began := time.Now()
	for i, conn := range w.conns {
		var sizes []byte
		if err := conn.QueryRow(ctx, sourceSizes).Scan(&sizes); err != nil {
			w.close()
			return err
		}
		admin, err := g.connectAdmin(ctx, adminRole, o.Databases[i])
		if err != nil {
			return err
		}
		err = g.takeSizes(ctx, admin, sizes)
		_ = admin.Close(ctx)
		if err != nil {
			return err
		}
	}
	w.sized, w.sizing = time.Now(), time.Since(began)
	return nil
}

// takeSizes writes what the primary's catalog says of sizes; it does nothing where relations have other OIDs than there.
func (g *generation) takeSizes(ctx context.Context, conn *pgconn.PgConn, sizes []byte) error {
	if !g.info.OIDsKept {
		return nil
	}
	return conn.ExecParams(ctx, takeSizes, [][]byte{sizes}, nil, nil, nil).Read().Err
}
