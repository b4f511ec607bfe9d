package mirror

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"foreshadow/agent/postgres"
)

// adminRole is the private server's own superuser. No client can be it.
const adminRole = "foreshadow_mirror"

// firstOID is where OIDs of our own relations begin, far from those of the primary, which the mirror keeps.
const firstOID = 2_000_000_000

// generation is one private server with one copy of the primary's schema.
type generation struct {
	dir    string
	server *postgres.Server
	info   info

	pending int // sessions that are connecting; guarded by Mirror.mu
}

// info is what is known of a generation; it is kept beside the data directory.
type info struct {
	Number      int
	Databases   []string
	Fingerprint string
	Roles       []string
	Warnings    []string
	OIDsKept    bool   // tables and types have the primary's OIDs
	Catalog     string // a hash of the SQL that made schema foreshadow
	Boot        string // the run of the host's kernel in which the server was started
}

// settings of the private server: small, rebuildable, read-only for everyone by default.
func settings(o Options, build bool) map[string]string {
	all := map[string]string{
		"shared_buffers": "16MB", "max_connections": strconv.Itoa(o.MaxSessions + 10), "superuser_reserved_connections": "5",
		"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "wal_level": "minimal", "max_wal_senders": "0",
		"max_wal_size": "64MB", "min_wal_size": "32MB", "max_worker_processes": "1", "max_parallel_workers": "0", "jit": "off",
		"autovacuum_naptime": "10min", "autovacuum_max_workers": "1", "max_logical_replication_workers": "0",
		"temp_file_limit": "256MB", "work_mem": "4MB", "maintenance_work_mem": "16MB", "max_locks_per_transaction": "128",
		"log_min_messages": "fatal", "log_min_error_statement": "panic", "lc_messages": "C", "huge_pages": "off",
		"default_transaction_read_only": "on", "statement_timeout": "5min", "temp_tablespaces": "",
	}
	if build {
		all["default_transaction_read_only"], all["statement_timeout"], all["autovacuum"] = "off", "0", "off"
	}
	return all
}

// serverOptions are the same for each start of a generation.
func serverOptions(o Options, dir string, build bool) postgres.Options {
	return postgres.Options{BinDir: o.BinDir, OSUser: o.OSUser, Dir: filepath.Join(dir, "data"), Settings: settings(o, build), Log: o.Log}
}

// build copies the primary's schema into a new server and starts it.
func build(ctx context.Context, o Options, n int) (*generation, error) {
	g := &generation{dir: filepath.Join(o.Dir, fmt.Sprintf("generation-%06d", n)), info: info{Number: n, Databases: o.Databases}}
	discard(ctx, o, g.dir)
	if err := os.MkdirAll(g.dir, 0o755); err != nil {
		return nil, err
	}
	if err := g.fill(ctx, o); err != nil {
		g.destroy()
		return nil, err
	}
	return g, nil
}

// fill does the steps of a build, each of which can fail.
func (g *generation) fill(ctx context.Context, o Options) error {
	src, err := readSource(ctx, o)
	if err != nil {
		return err
	}
	g.info.Fingerprint = src.fingerprint
	for _, db := range src.databases {
		for _, rel := range db.unreadable {
			g.warn("%s: %s is left out, as the agent's role may not SELECT from it", db.name, rel)
		}
	}
	var dumps []string
	group, dumping := errgroup.WithContext(ctx)
	group.Go(func() error { return g.dumpFiles(dumping, o, src) })
	group.Go(func() (err error) {
		dumps, err = g.dumps(dumping, o, src)
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	so := serverOptions(o, g.dir, true)
	if g.info.OIDsKept {
		so.Args = []string{"-b"} // pg_upgrade's mode: objects are given the OIDs they have on the primary
	}
	if g.server, err = postgres.Create(ctx, so); err != nil {
		return err
	}
	if err := g.server.Start(ctx); err != nil {
		return err
	}
	if err := g.restore(ctx, o, src, dumps); err != nil {
		return err
	}
	if err := g.server.Stop(ctx, true); err != nil {
		return err
	}
	if out, err := g.server.Command(ctx, "pg_resetwal", "-f", "-o", strconv.Itoa(firstOID), g.server.Dir()).CombinedOutput(); err != nil {
		return fmt.Errorf("reserve OIDs: %w: %s", err, out)
	}
	if g.server, err = postgres.Open(serverOptions(o, g.dir, false)); err != nil {
		return err
	}
	if err := g.server.Start(ctx); err != nil {
		return err
	}
	if err := g.furnish(ctx, o, src); err != nil {
		return err
	}
	g.info.Catalog, g.info.Boot = catalogHash(o), bootID()
	slices.Sort(g.info.Warnings)
	g.info.Warnings = slices.Compact(g.info.Warnings)
	return g.save()
}

// save writes the info file.
func (g *generation) save() error {
	b, err := json.MarshalIndent(g.info, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(g.file("info.json"), append(b, '\n'), 0o644)
}

// open starts a generation of an earlier run. One made for other databases is not used, nor one whose server was running when the host went down: it does
// not wait for its disk.
func open(ctx context.Context, o Options, dir string) (*generation, error) {
	g := &generation{dir: dir}
	b, err := os.ReadFile(g.file("info.json"))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &g.info); err != nil {
		return nil, fmt.Errorf("read %s: %w", g.file("info.json"), err)
	}
	if !slices.Equal(g.info.Databases, o.Databases) {
		return nil, fmt.Errorf("it holds the databases %q", g.info.Databases)
	}
	if boot := bootID(); g.info.Boot != boot {
		if _, err := os.Stat(g.file("data/postmaster.pid")); err == nil {
			return nil, errors.New("its server was running when the host went down")
		}
		g.info.Boot = boot
		if err := g.save(); err != nil {
			return nil, err
		}
	}
	if g.server, err = postgres.Open(serverOptions(o, dir, false)); err != nil {
		return nil, err
	}
	if err := g.server.Start(ctx); err != nil {
		return nil, err
	}
	if err := g.renew(ctx, o); err != nil {
		g.stop()
		return nil, err
	}
	return g, nil
}

// renew makes schema foreshadow anew when the agent that left this generation had another version of it.
func (g *generation) renew(ctx context.Context, o Options) error {
	if g.info.Catalog == catalogHash(o) {
		return nil
	}
	for _, name := range g.info.Databases {
		conn, err := g.connectAdmin(ctx, adminRole, name)
		if err != nil {
			return err
		}
		err = run(ctx, conn, "DROP SCHEMA foreshadow CASCADE;\n"+o.CatalogSQL)
		_ = conn.Close(ctx)
		if err != nil {
			return fmt.Errorf("renew schema foreshadow in %q: %w", name, err)
		}
	}
	g.info.Catalog = catalogHash(o)
	return g.save()
}

// bootID names the run of the host's kernel; empty where it does not tell.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

// catalogHash tells one version of schema foreshadow from another.
func catalogHash(o Options) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(o.CatalogSQL)))
}

// discard removes a generation of an earlier run, also one whose server was left running.
func discard(ctx context.Context, o Options, dir string) {
	if s, err := postgres.Open(serverOptions(o, dir, false)); err == nil {
		if err := s.EndStray(ctx); err != nil {
			o.Log.Warn("an old server of the mirror could not be stopped", "error", err)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		o.Log.Warn("an old copy of the schema could not be removed", "error", err)
	}
}

// stop ends the server; it can be started again from disk.
func (g *generation) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	_ = g.server.Stop(ctx, true) // it ends by force when it must
}

// destroy removes the server and its files.
func (g *generation) destroy() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if g.server != nil {
		_ = g.server.Destroy(ctx)
	}
	_ = os.RemoveAll(g.dir)
}

// file is a path beside the data directory.
func (g *generation) file(name string) string { return filepath.Join(g.dir, name) }

// socket is the path of the server's socket.
func (g *generation) socket() string {
	return filepath.Join(g.server.SocketDir(), fmt.Sprintf(".s.PGSQL.%d", g.server.Port()))
}

// patience bounds one step against the primary.
const patience = 2 * time.Minute
