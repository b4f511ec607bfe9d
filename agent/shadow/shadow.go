// Package shadow keeps the temporal shadow of the primary in DuckDB: the change log, the current rows of every table,
// the versions they replaced, measured series and forecasts. ingest writes to it, the SQL engine, the predictor and the orchestrator read it.
// It talks to no PostgreSQL and knows no protocol; a change reaches it only as words of package change.
package shadow

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	duck "github.com/duckdb/duckdb-go-bindings"

	"foreshadow/agent/change"
)

//go:embed schema.sql
var schemaSQL string

// Options says where the shadow lives and what it may use.
type Options struct {
	Dir         string // created when it is missing
	MemoryLimit string // DuckDB's words, such as 2GB; empty takes half of what DuckDB would
	Threads     int    // 0 lets DuckDB choose
	Direct      int64  // tables of more rows are changed beside what is stored, and settled later; 0 is 100,000, below 0 is every table
	Log         *slog.Logger
}

// DB is the open shadow. One writer at a time holds mu; readers have connections of their own and see committed states only.
type DB struct {
	log *slog.Logger
	db  duck.Database

	mu         sync.Mutex
	w          *conn
	out        *writers // appenders of the log and the tail, made again after a rollback
	open       bool     // a transaction's first parts are appended and its commit is still to come
	pos        position
	stored     position // as committed
	tables     map[uint32]*table
	shapes     map[uint32][]change.Relation
	known      map[*change.Relation]*known
	tail       map[uint32]*tail
	tailCount  int
	tailBytes  int
	placed     Mark            // when the tables' places in partitioned ones were last known
	looked     Mark            // when the catalog was last seen unchanged
	touched    map[uint32]bool // tables whose state changed in the open transaction
	foldTook   time.Duration
	foldedAt   time.Time
	direct     int64 // rows up to which a table is changed in place
	settleTook time.Duration
	settledAt  time.Time

	sideMu sync.Mutex

	kick chan struct{}
	stop context.CancelFunc
	done chan struct{}
}

// position says what is stored. Changes up to commit are in the log; end may be confirmed to the primary.
type position struct {
	commit, end, folded   change.LSN
	time                  time.Time
	changes, transactions int64
}

// Open opens the shadow in a folder, or creates it, and brings its tables up to its log.
func Open(o Options) (*DB, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(filepath.Join(o.Dir, "tmp"), 0o700); err != nil {
		return nil, fmt.Errorf("create shadow folder: %w", err)
	}
	d := &DB{log: o.Log, direct: o.Direct, kick: make(chan struct{}, 1), done: make(chan struct{})}
	if d.direct == 0 {
		d.direct = direct
	}
	if err := d.openFile(o); err != nil {
		return nil, err
	}
	if err := d.begin(); err != nil {
		if d.w != nil {
			d.w.close()
		}
		duck.Close(&d.db)
		return nil, fmt.Errorf("open shadow: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	d.stop = cancel
	go d.background(ctx)
	return d, nil
}

func (d *DB) openFile(o Options) error {
	var cfg duck.Config
	if duck.CreateConfig(&cfg) != duck.StateSuccess {
		return errors.New("configure duckdb")
	}
	defer duck.DestroyConfig(&cfg)
	settings := [][2]string{
		{"temp_directory", filepath.Join(o.Dir, "tmp")},
		{"checkpoint_threshold", "512MB"},
		{"autoinstall_known_extensions", "false"},
		{"autoload_known_extensions", "false"},
		{"enable_external_access", "false"},
		{"preserve_insertion_order", "false"},
	}
	if o.MemoryLimit != "" {
		settings = append(settings, [2]string{"memory_limit", o.MemoryLimit})
	}
	if o.Threads > 0 {
		settings = append(settings, [2]string{"threads", strconv.Itoa(o.Threads)})
	}
	for _, s := range settings {
		if duck.SetConfig(cfg, s[0], s[1]) != duck.StateSuccess {
			return fmt.Errorf("set duckdb option %s", s[0])
		}
	}
	var msg string
	if duck.OpenExt(filepath.Join(o.Dir, "shadow.duckdb"), &d.db, cfg, &msg) != duck.StateSuccess {
		return fmt.Errorf("open duckdb: %s", msg)
	}
	return nil
}

// begin makes the tables, reads the state and folds what an earlier process left unfolded.
func (d *DB) begin() (err error) {
	if d.w, err = d.connect(); err != nil {
		return err
	}
	if err := d.w.exec(schemaSQL); err != nil {
		return err
	}
	if err := d.w.exec("INSERT INTO position SELECT 0, 0, NULL, 0, 0, 0, 0, NULL WHERE NOT EXISTS (FROM position)"); err != nil {
		return err
	}
	if err := d.reload(); err != nil {
		return err
	}
	if err := d.dropLeftovers(); err != nil {
		return err
	}
	return d.foldAll()
}

// Close folds what is left, as far as it can, and closes the file. Open Rows must be closed before.
func (d *DB) Close() error {
	d.stop()
	<-d.done
	d.mu.Lock()
	defer d.mu.Unlock()
	var err error
	if d.open {
		d.rollback()
	} else {
		err = d.foldAll()
	}
	d.closeWriters()
	if err == nil {
		err = d.w.exec("CHECKPOINT")
	}
	d.w.close()
	duck.Close(&d.db)
	return err
}

// Position gives the last stored transaction's commit: its place and its time on the primary's clock.
func (d *DB) Position(context.Context) (change.LSN, time.Time, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	lsn, at := d.reach()
	return lsn, at, nil
}

// reach is the latest position at which every table can be read: the last stored commit, or the copy of a table that was read after it.
func (d *DB) reach() (change.LSN, time.Time) {
	lsn, at := d.stored.commit, d.stored.time
	for _, t := range d.tables {
		e := t.epoch()
		if !t.Synced || e == nil {
			continue
		}
		if e.In.LSN > lsn {
			lsn = e.In.LSN
		}
		if e.In.Time.After(at) {
			at = e.In.Time
		}
	}
	return lsn, at
}

// background folds the tail now and then, so that a read has little left to fold. It waits longer when folding is dear.
func (d *DB) background(ctx context.Context) {
	defer close(d.done)
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-d.kick:
		}
		d.mu.Lock()
		if !d.open && d.tailCount > 0 && (d.full() || time.Since(d.foldedAt) > 2*time.Second+20*d.foldTook) {
			if err := d.foldAll(); err != nil {
				d.log.Warn("folding the tail failed; it is tried again", "error", err)
			}
		}
		if !d.open {
			if err := d.settleDue(); err != nil {
				d.log.Warn("settling a table failed; it is tried again", "error", err)
			}
		}
		d.mu.Unlock()
	}
}

// full says that the tail in memory has reached its bound.
func (d *DB) full() bool { return d.tailCount >= 100_000 || d.tailBytes >= 128<<20 }
