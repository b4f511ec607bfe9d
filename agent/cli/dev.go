package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"foreshadow/agent"
	"foreshadow/agent/capture"
	"foreshadow/agent/config"
)

type devCommand struct {
	Source   string     `help:"Primary to run beside; a throw-away one is started when empty." placeholder:"DSN"`
	DataDir  string     `help:"Folder to keep everything in; a temporary one, removed at the end, when empty." placeholder:"DIR"`
	Listen   string     `help:"Address for clients." default:"127.0.0.1:6543" placeholder:"HOST:PORT"`
	Database string     `help:"Database of the throw-away primary." default:"shop"`
	Init     []string   `help:"SQL files to fill the throw-away primary with." placeholder:"FILE" type:"existingfile" sep:","`
	History  string     `help:"CSV file of load history (series,at,value) to import." placeholder:"FILE" type:"existingfile"`
	Log      config.Log `embed:"" prefix:"log-"`
}

// Help is shown by --help.
func (devCommand) Help() string {
	return `Makes a data folder, a certificate, two approving logins (alice of account data_owner, bob of platform_owner) and a
reading login (analyst); their passwords stand in DIR/pgpass, for PGPASSFILE. Prints "ready" when the initial copy is done
and connections are served. Stops on Ctrl-C.`
}

// Run runs an agent until it is interrupted.
func (c devCommand) Run(ctx context.Context, t terminal) (err error) {
	log := logger(c.Log, t.err)
	dir, remove, err := c.folder()
	if err != nil {
		return err
	}
	defer remove()
	source := c.Source
	if source == "" {
		p, err := startPrimary(ctx, dir, c.Database, c.Init, t.out, log)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, p.server.Stop(context.WithoutCancel(ctx), true)) }()
		source = p.server.DSN("foreshadow", p.database)
	}
	if err := preflight(ctx, capture.Options{DSN: source, Failover: true}, t.err); err != nil {
		return err
	}
	settings, err := c.settings(source, dir)
	if err != nil {
		return err
	}
	role, err := readingRole(ctx, source)
	if err != nil {
		return err
	}
	users, err := devUsers(dir, role)
	if err != nil {
		return err
	}
	a, err := agent.New(agent.Options{Settings: settings, Users: users.list, History: c.History, Log: log})
	if err != nil {
		return err
	}
	return c.serve(ctx, t, a, users, dir, log)
}

// serve runs the agent, saying where to connect and what it is doing.
func (c devCommand) serve(ctx context.Context, t terminal, a *agent.Agent, users devLogins, dir string, log *slog.Logger) error {
	if err := users.writePgpass(filepath.Join(dir, "pgpass"), a.Addr()); err != nil {
		return errors.Join(err, a.Close())
	}
	host, port, _ := net.SplitHostPort(a.Addr())
	fmt.Fprintf(t.out, "passwords in %s\n", filepath.Join(dir, "pgpass"))
	for _, login := range []string{"analyst", "alice", "bob"} {
		fmt.Fprintf(t.out, "connect  psql \"host=%s port=%s dbname=%s user=%s sslmode=require\"\n", host, port, a.Database(), login)
	}
	shown := make(chan struct{})
	running, stop := context.WithCancel(ctx)
	go func() {
		defer close(shown)
		showProgress(running, a, t.out)
	}()
	err := a.Run(ctx)
	stop()
	<-shown
	log.Info("stopped")
	return err
}

// folder makes the data folder absolute and, when it is temporary, removable.
func (c devCommand) folder() (dir string, remove func(), err error) {
	if c.DataDir == "" {
		dir, err = os.MkdirTemp("", "foreshadow-")
		if err != nil {
			return "", nil, err
		}
		return dir, func() { os.RemoveAll(dir) }, os.Chmod(dir, 0o755)
	}
	dir, err = filepath.Abs(c.DataDir)
	if err != nil {
		return "", nil, err
	}
	return dir, func() {}, os.MkdirAll(dir, 0o755)
}

func (c devCommand) settings(source, dir string) (*config.Settings, error) {
	s, err := config.Default()
	if err != nil {
		return nil, err
	}
	s.Source.DSN = source
	s.Server.Listen, s.Server.AdminListen = c.Listen, "127.0.0.1:0"
	s.Server.DataDir = filepath.Join(dir, "agent")
	s.Cluster.Listen = "127.0.0.1:0"
	s.Forecast.SampleInterval, s.Forecast.Interval = 5*time.Second, time.Minute
	return s, nil
}

// readingRole is the role of the primary that the login analyst reads as: analyst if there is one, else the source's own user.
func readingRole(ctx context.Context, source string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, source)
	if err != nil {
		return "", fmt.Errorf("connect to the primary: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	role := ""
	err = conn.QueryRow(ctx, "SELECT coalesce((SELECT rolname FROM pg_roles WHERE rolname = 'analyst'), current_user)").Scan(&role)
	return role, err
}

// newPassword gives a password of 130 random bits.
func newPassword() string { return rand.Text() }
