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
	"sync/atomic"
	"time"

	duck "github.com/duckdb/duckdb-go-bindings"

	"foreshadow/agent/change"
)

//go:embed schema.sql
var schemaSQL string

// Options says where the shadow lives and what it may use.
type Options struct {
	Dir         string           // created when it is missing
	MemoryLimit string           // DuckDB's words, such as 2GB; empty takes half of what DuckDB would
	Threads     int              // 0 lets DuckDB choose
	Direct      int64            // tables of more rows are changed beside what is stored, and settled later; 0 is 100,000, below 0 is every table
	Seal        time.Duration    // how often the history is sealed in segments; 0 is every ten seconds
	Checkpoint  int64            // bytes of segments that are worth a checkpoint, at least; 0 is 256 MB
	Keep        Limit            // what is kept of every table's past
	KeepTables  map[string]Limit // instead, for tables by their schema and name
	Log         *slog.Logger
}

// DB is the open shadow. One writer at a time holds mu; readers have connections of their own and see committed states only.
type DB struct {
	log     *slog.Logger
	options Options
	db      duck.Database

	connMu sync.Mutex
	conns  map[*conn]bool // those that are open
	broken atomic.Bool    // DuckDB cannot go on until its file is opened again

	mu         sync.Mutex
	w          *conn
	out        *writers // appenders of the log and the journal, made again after a rollback
	open       bool     // a transaction's first parts are appended and its commit is still to come
	pos        position
	stored     position // as committed
	tables     map[uint32]*table
	shapes     map[uint32][]change.Relation
	known      map[*change.Relation]*known
	adopted    map[*change.Relation]bool // shapes of the stream that tables were brought to once
	tail       map[uint32]*tail
	tailCount  int
	tailBytes  int
	asked      map[uint32]time.Time // when a statement last asked for a table
	placed     Mark                 // when the tables' places in partitioned ones were last known
	looked     Mark                 // when the catalog was last seen unchanged
	members    map[uint32]string    // every table's place in a publication, as this process saw it last
	touched    map[uint32]bool      // tables whose state changed in the open transaction
	foldTook   time.Duration
	foldEach   time.Duration // for each change
	foldedAt   time.Time
	direct     int64 // rows up to which a table is changed in place
	settleTook time.Duration
	settledAt  time.Time
	unsealed   int   // about how many bytes the journal took since the last seal
	forgot     int64 // up to where the journal was emptied
	replaying  bool  // what is stored comes from the segments

	readMu   sync.Mutex
	readings map[*reading]bool // what somebody is about to read

	sideMu sync.Mutex
	aside  int64 // the last number of the journal's other part

	segments        string // the folder
	sealMu          sync.Mutex
	sealed          atomic.Pointer[manifest] // changed only with sealMu
	bare            atomic.Bool              // there are no segments that the shadow could be rebuilt from, until the next checkpoint
	sealEvery       time.Duration
	checkpointBytes int64
	lowered         atomic.Uint64 // a position beyond which nothing that was sealed counts, until the next seal; 0 is none
	checkpointing   atomic.Bool
	onStep          func(string) // tests stop the process here

	lastAsked   atomic.Int64 // nanoseconds of Unix time
	kick, hurry chan struct{}
	stop        context.CancelFunc
	parts       sync.WaitGroup
}

// position says what is stored. Changes up to commit are in the log; end may be confirmed to the primary.
type position struct {
	commit, end, folded   change.LSN
	proof                 change.LSN // the last commit of a transaction, with which the stream must begin
	time                  time.Time
	changes, transactions int64
	n, foldedN            int64 // the journal's last number, and the last that is folded
}

// fileName is the DuckDB file's name in the shadow's folder.
const fileName = "shadow.duckdb"

// Open opens the shadow in a folder, or creates it, and brings its tables up to its log. A DuckDB file that is missing or damaged is rebuilt
// from the segments, if there are any.
func Open(o Options) (*DB, error) {
	o = o.filled()
	d, err := openSound(o)
	if err != nil {
		return nil, fmt.Errorf("open shadow: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	d.stop = cancel
	d.parts.Go(func() { d.background(ctx) })
	d.parts.Go(func() { d.sealing(ctx) })
	d.parts.Go(func() { d.expiring(ctx) })
	return d, nil
}

// filled has the defaults filled in.
func (o Options) filled() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Direct == 0 {
		o.Direct = direct
	}
	if o.Seal <= 0 {
		o.Seal = 10 * time.Second
	}
	if o.Checkpoint <= 0 {
		o.Checkpoint = 256 << 20
	}
	return o
}

// openAt opens or creates one DuckDB file of the shadow's folder. Nothing runs in the background yet.
func openAt(o Options, name string) (*DB, error) {
	d := &DB{log: o.Log, direct: o.Direct, members: map[uint32]string{}, asked: map[uint32]time.Time{}, readings: map[*reading]bool{}, options: o, conns: map[*conn]bool{}, kick: make(chan struct{}, 1), hurry: make(chan struct{}, 1), segments: filepath.Join(o.Dir, "segments"),
		sealEvery: o.Seal, checkpointBytes: o.Checkpoint, onStep: func(string) {}, stop: func() {}}
	d.w = &conn{d: d, closed: true}
	for _, dir := range []string{filepath.Join(o.Dir, "tmp"), d.segments} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("create shadow folder: %w", err)
		}
	}
	if err := d.openFile(o, name); err != nil {
		return nil, err
	}
	if err := d.prepare(); err != nil {
		d.shut()
		return nil, err
	}
	return d, nil
}

// shut closes the file as it is, if it is open.
func (d *DB) shut() {
	if !d.w.closed {
		d.closeWriters()
		d.w.close()
		duck.Close(&d.db)
	}
}

func (d *DB) openFile(o Options, name string) error {
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
	if duck.OpenExt(filepath.Join(o.Dir, name), &d.db, cfg, &msg) != duck.StateSuccess {
		return fmt.Errorf("open duckdb: %s", msg)
	}
	return nil
}

// prepare makes the tables, reads the state and folds what an earlier process left unfolded.
func (d *DB) prepare() (err error) {
	w, err := d.connect()
	if err != nil {
		duck.Close(&d.db)
		return err
	}
	d.w = w
	// nothing can be read or written through DuckDB but its own file and the segments
	if err := d.w.exec("SET allowed_directories = [" + quote(d.segments) + "]; SET enable_external_access = false"); err != nil {
		return err
	}
	if err := d.w.exec(schemaSQL); err != nil {
		return err
	}
	if err := d.w.exec("INSERT INTO position SELECT 0, 0, NULL, 0, 0, 0, 0, NULL, 0, 0, 0 WHERE NOT EXISTS (FROM position)"); err != nil {
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

// Close folds and seals what is left, as far as it can, and closes the file. Open Rows must be closed before.
func (d *DB) Close() error {
	d.stop()
	d.parts.Wait()
	d.mu.Lock()
	var err error
	if d.open {
		d.rollback()
	} else {
		err = d.foldAll()
	}
	d.closeWriters()
	d.mu.Unlock()
	if err == nil {
		err = d.Seal()
	}
	if err == nil {
		err = d.w.exec("CHECKPOINT")
	}
	d.shut()
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
		behind := d.full()
		if d.broken.Load() {
			d.tryMend()
		} else if !d.open && d.tailCount > 0 && (behind || time.Since(d.foldedAt) > 2*time.Second+20*d.foldTook) {
			if err := d.foldAll(); err != nil {
				d.log.Warn("folding the tail failed; it is tried again", "error", err)
			}
		}
		if !d.open && !d.broken.Load() {
			if err := d.settleDue(behind); err != nil {
				d.log.Warn("settling a table failed; it is tried again", "error", err)
			}
		}
		d.mu.Unlock()
	}
}

// full says that the tail in memory has reached its bound: few changes, since whoever comes waits for their fold, but more where a fold has a large cost of its
// own, as with thousands of tables or a large one without a key, and in a large transaction, which keeps nobody waiting.
func (d *DB) full() bool {
	bound := 40_000
	if d.open || d.foldEach > 20*time.Microsecond {
		bound = 100_000
	}
	return d.tailCount >= bound || d.tailBytes >= 128<<20
}
