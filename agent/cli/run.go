package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"

	"foreshadow/agent"
	"foreshadow/agent/capture"
	"foreshadow/agent/config"
)

// smallerHeap is the garbage collector's percentage for the agent, which shares its machine with a primary: a few hundredths more processor time
// save a tenth of its memory. The environment's GOGC takes precedence.
const smallerHeap = 50

type runCommand struct {
	Config          string `help:"Settings file (YAML)." placeholder:"FILE"`
	config.Settings `embed:""`
}

// Run runs the agent until SIGINT or SIGTERM.
func (c *runCommand) Run(ctx context.Context, t terminal) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(smallerHeap)
	}
	if err := c.Check(); err != nil {
		return err
	}
	users, err := c.users()
	if err != nil {
		return err
	}
	log := logger(c.Log, t.err)
	if err := c.firstStart(ctx, t, log); err != nil {
		return err
	}
	a, err := agent.New(agent.Options{Settings: &c.Settings, Users: users, Log: log})
	if err != nil {
		return err
	}
	log.Info("serving clients", "addr", a.Addr(), "database", a.Database())
	return a.Run(ctx)
}

func (c *runCommand) users() ([]config.User, error) {
	if c.Server.UsersFile == "" {
		return nil, nil
	}
	f, err := os.Open(c.Server.UsersFile)
	if err != nil {
		return nil, fmt.Errorf("open users file: %w", err)
	}
	defer f.Close()
	return config.ReadUsers(f)
}

// firstStart refuses a primary that cannot be captured, before anything is kept of it. Later starts must not depend on the primary,
// and neither does this one on its answering at once.
func (c *runCommand) firstStart(ctx context.Context, t terminal, log *slog.Logger) error {
	if _, err := os.Stat(filepath.Join(c.Server.DataDir, "shadow")); err == nil {
		return nil
	}
	source, err := agent.SourceDSN(c.Source)
	if err != nil {
		return err
	}
	err = preflight(ctx, capture.Options{DSN: source, Slot: c.Source.Slot, Publication: c.Source.Publication, Failover: c.Source.Failover}, t.err)
	if unsafe := (failure{}); err == nil || errors.As(err, &unsafe) {
		return err
	}
	log.Warn("the primary could not be looked at", "error", err)
	return nil
}
