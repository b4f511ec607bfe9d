package verify

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"foreshadow/agent/capture"
	"foreshadow/agent/change"
	"foreshadow/agent/shadow"
	"foreshadow/sql/sqlerr"
)

// buckets is how many checksums a piece has; a row's hash says into which it goes.
const buckets = 4096

// sum is the checksum of a bucket's rows, in any order: how many they are, and the sum of their hashes.
type sum struct {
	rows int64
	hash uint64
}

// round compares some tables, or a piece of one, in one snapshot of the primary. What fails for a table's own sake is noted in its job.
func (v *Verifier) round(ctx context.Context, jobs []*job) error {
	var oids []uint32
	for _, j := range jobs {
		if !j.done {
			oids = append(oids, j.out.OID)
		}
	}
	if len(oids) == 0 {
		return nil
	}
	reading, done := v.o.Store.ReadingFrom(ctx, v.o.Reached())
	defer done()
	err := v.o.Source.Look(reading, oids, v.o.Hold, func(within context.Context, l *capture.Look) error { return v.compare(within, l, jobs) })
	return v.fault(ctx, err, jobs)
}

// fault decides what an error of a round means: that tables which shared a snapshot must be looked at one by one, that one of them cannot be
// compared, or that all is over.
func (v *Verifier) fault(ctx context.Context, err error, jobs []*job) error {
	var pg *pgconn.PgError
	own := errors.Is(err, context.DeadlineExceeded) || errors.As(err, &pg) && !strings.HasPrefix(pg.Code, "57P") && !strings.HasPrefix(pg.Code, "08")
	if err == nil || ctx.Err() != nil || !own {
		return err
	}
	for _, j := range jobs {
		switch {
		case j.done:
		case len(jobs) > 1 || !j.alone:
			j.alone = true
		case pg != nil:
			j.fail("the primary says: %s", pg.Message)
		default:
			j.fail("reading it takes longer than the primary may keep a snapshot (%s)", v.o.Hold)
		}
	}
	return nil
}

// compare takes the primary's checksums first, meanwhile the stream comes up to the snapshot.
func (v *Verifier) compare(ctx context.Context, l *capture.Look, jobs []*job) error {
	if err := sameHash(ctx, l); err != nil {
		return err
	}
	var looked []*job
	for _, j := range jobs {
		at := slices.IndexFunc(l.Tables, func(t capture.Table) bool { return t.Relation.OID == j.out.OID })
		switch {
		case j.done:
		case slices.Contains(l.Locked, j.out.OID):
			j.later("somebody keeps it locked on the primary")
		case at < 0:
			j.fail("it was dropped meanwhile")
		default:
			j.table = l.Tables[at]
			if err := v.sumPrimary(ctx, l, j); err != nil {
				return err
			}
			looked = append(looked, j)
		}
	}
	if err := v.await(ctx, l.Reach); err != nil {
		return err
	}
	for _, j := range looked {
		if err := v.table(ctx, l, j); err != nil {
			return err
		}
	}
	return nil
}

// sameHash holds that the primary computes hashes as we do; a big-endian machine does not.
func sameHash(ctx context.Context, l *capture.Look) error {
	got := ""
	if err := l.Rows(ctx, `SELECT hashtextextended('foreshadow verifies' COLLATE "C", 1)`, func(r [][]byte) error {
		got = string(r[0])
		return nil
	}); err != nil {
		return err
	}
	if got != strconv.FormatInt(int64(hashBytes([]byte("foreshadow verifies"), 1)), 10) {
		return sqlerr.New(sqlerr.FeatureNotSupported, "the primary's machine computes other hashes than the agent's, so that the shadow cannot be verified")
	}
	return nil
}

// names are the columns' names.
func names(columns []change.Column) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = c.Name
	}
	return out
}

// sumPrimary computes the checksums of a table's next piece on the primary, in one pass.
func (v *Verifier) sumPrimary(ctx context.Context, l *capture.Look, j *job) (err error) {
	if j.piece, err = v.next(ctx, l, j); err != nil {
		return err
	}
	sql := fmt.Sprintf("SELECT h & %d, count(*), sum(h) FROM (SELECT %s AS h FROM ONLY %s%s OFFSET 0) t GROUP BY 1", buckets-1,
		rowSQL(names(j.table.Relation.Columns), l.UTF8), j.table.Quoted(), j.piece.onPrimary(&j.table))
	j.primary = make([]sum, buckets)
	return l.Rows(ctx, sql, func(r [][]byte) error {
		bucket, err := strconv.Atoi(string(r[0]))
		if err != nil || bucket < 0 || bucket >= buckets {
			return fmt.Errorf("the primary gave a checksum for bucket %q", r[0])
		}
		if j.primary[bucket].rows, err = strconv.ParseInt(string(r[1]), 10, 64); err != nil {
			return err
		}
		j.primary[bucket].hash, err = wrapped(string(r[2]))
		return err
	})
}

// wrapped reads a sum of hashes as it is in 64 bits.
func wrapped(text string) (uint64, error) {
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return 0, fmt.Errorf("the primary gave the checksum %q", text)
	}
	return n.And(n, new(big.Int).SetUint64(1<<64-1)).Uint64(), nil
}

// errBehind says that the stream does not come to a snapshot's position.
var errBehind = sqlerr.New(sqlerr.ObjectNotInState, "the shadow could not be verified, because capture did not come to the primary's position in time").
	WithHint("See state and message in foreshadow.capture_status; while tables are being copied, the stream rests.")

// await waits until everything that a snapshot shows is stored.
func (v *Verifier) await(ctx context.Context, lsn change.LSN) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for v.o.Reached() < lsn {
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return errBehind
			}
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// table compares a table's piece with the shadow's rows.
func (v *Verifier) table(ctx context.Context, l *capture.Look, j *job) error {
	seen, err := v.o.Store.Seen(ctx, j.out.OID, shadow.Filter{LSN: l.LSN, Xmin: l.Xmin, Xmax: l.Xmax, Xip: l.Xip})
	var e *sqlerr.Error
	switch {
	case errors.Is(err, shadow.ErrMoved):
		j.later("its rows at the primary's snapshots could not be told")
		return nil
	case errors.As(err, &e) && ctx.Err() == nil:
		j.later(e.Message)
		return nil
	case err != nil:
		return err
	case !sameColumns(j.table.Relation.Columns, seen.Relation.Columns):
		j.later("its columns in the shadow are not those on the primary")
		return nil
	}
	side := &shadowSide{store: v.o.Store, sql: seen.SQL + j.piece.bounds(" AND ", fmt.Sprintf("c%d", j.piece.column)), columns: len(j.table.Relation.Columns), hash: hasher{utf8: l.UTF8}}
	sums := make([]sum, buckets)
	if err := side.rows(ctx, func(r *shadowRow) {
		s := &sums[r.hash&(buckets-1)]
		s.rows += r.times
		s.hash += r.hash * uint64(r.times)
	}); err != nil {
		return err
	}
	if err := v.name(ctx, l, j, side, sums); err != nil {
		return err
	}
	j.end(l.LSN, sums, seen.Unknown)
	return nil
}

// end closes a piece, and the table with its last one.
func (j *job) end(at change.LSN, sums []sum, unknown int64) {
	for i := range sums {
		if j.out.Rows += j.primary[i].rows; j.primary[i] != (sum{}) || sums[i] != (sum{}) {
			j.out.Chunks++
		}
	}
	j.out.LSN, j.tries, j.past = at, 0, j.piece.upTo
	if j.past != "" {
		return
	}
	j.done, j.out.State, j.primary = true, Equal, nil
	if j.diff.count > 0 {
		j.out.State, j.out.Differing, j.out.Detail = Different, j.diff.count, j.diff.text()
		if unknown > 0 {
			j.out.Detail += fmt.Sprintf("; %d large values had not been sent and are not known", unknown)
		}
	}
}

// sameColumns compares the shapes that the two sides have. A number is not always known in the shadow.
func sameColumns(primary, shadow []change.Column) bool {
	return slices.EqualFunc(primary, shadow, func(p, s change.Column) bool {
		return p.Name == s.Name && p.TypeOID == s.TypeOID && p.TypMod == s.TypMod && (s.AttNum == 0 || p.AttNum == s.AttNum)
	})
}
