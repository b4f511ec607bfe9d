package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"foreshadow/agent/postgres"
)

// primary is dev's throw-away primary.
type primary struct {
	server   *postgres.Server
	database string
}

// startPrimary makes or reopens a primary under dir and runs the SQL files in it when it is new.
func startPrimary(ctx context.Context, dir, database string, files []string, out io.Writer, log *slog.Logger) (*primary, error) {
	options := postgres.Options{Dir: filepath.Join(dir, "primary"), Log: log, Settings: map[string]string{
		"wal_level": "logical", "max_wal_senders": "10", "max_replication_slots": "10", "shared_preload_libraries": "pg_stat_statements",
		"max_connections": "100", "shared_buffers": "256MB", "max_wal_size": "2GB",
		"log_min_messages": "fatal",
	}}
	_, err := os.Stat(filepath.Join(options.Dir, "PG_VERSION"))
	fresh := err != nil
	var server *postgres.Server
	if fresh {
		server, err = postgres.Create(ctx, options)
	} else {
		server, err = postgres.Open(options)
	}
	if err != nil {
		return nil, err
	}
	if err := server.Start(ctx); err != nil {
		return nil, err
	}
	p := &primary{server: server, database: database}
	fmt.Fprintf(out, "primary host=%s port=%d user=postgres dbname=%s\n", server.SocketDir(), server.Port(), database)
	if fresh {
		err = p.fill(ctx, files, out)
	}
	if err != nil {
		_ = server.Stop(context.WithoutCancel(ctx), true)
		return nil, err
	}
	return p, nil
}

// fill creates the database, runs the files with psql, and creates the role that the agent uses.
func (p *primary) fill(ctx context.Context, files []string, out io.Writer) error {
	if err := p.exec(ctx, "postgres", "CREATE DATABASE "+pgx.Identifier{p.database}.Sanitize()); err != nil {
		return err
	}
	for _, file := range files {
		start := time.Now()
		f, err := os.Open(file)
		if err != nil {
			return fmt.Errorf("open SQL file: %w", err)
		}
		cmd := p.server.Command(ctx, "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", p.database)
		cmd.Stdin = f // read by us: the server's account may not reach the file
		text, err := cmd.CombinedOutput()
		f.Close()
		if err != nil {
			return fmt.Errorf("run %s: %w\n%s", file, err, text)
		}
		fmt.Fprintf(out, "ran %s in %.1f s\n", file, time.Since(start).Seconds())
	}
	// Being a member of the tables' owners lets the agent publish them, those of today and those created later.
	const owners = `DO $$ DECLARE o name; BEGIN
  FOR o IN SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') LOOP
    EXECUTE format('GRANT %I TO foreshadow', o);
  END LOOP; END $$`
	return p.exec(ctx, p.database,
		"CREATE EXTENSION IF NOT EXISTS pg_stat_statements",
		"DO $$ BEGIN CREATE ROLE foreshadow LOGIN REPLICATION; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
		"ALTER ROLE foreshadow BYPASSRLS", // a table with row-level security is copied whole; the agent's own users stay bound by it
		"GRANT pg_monitor, pg_read_all_data TO foreshadow",
		"GRANT "+postgres.Superuser+" TO foreshadow", // not its attribute, only what it owns: whoever tries things out makes tables as it
		"GRANT CONNECT, CREATE ON DATABASE "+pgx.Identifier{p.database}.Sanitize()+" TO foreshadow",
		owners)
}

func (p *primary) exec(ctx context.Context, database string, statements ...string) error {
	conn, err := pgx.Connect(ctx, p.server.DSN(postgres.Superuser, database))
	if err != nil {
		return fmt.Errorf("connect to the throw-away primary: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
			return fmt.Errorf("prepare the throw-away primary: %w", err)
		}
	}
	return nil
}
