package cli

import (
	"context"
	"fmt"
	"os"

	"foreshadow/agent"
	"foreshadow/agent/config"
)

type runCommand struct {
	Config          string `help:"Settings file (YAML)." placeholder:"FILE"`
	config.Settings `embed:""`
}

// Run runs the agent until SIGINT or SIGTERM.
func (c *runCommand) Run(ctx context.Context, t terminal) error {
	if err := c.Check(); err != nil {
		return err
	}
	users, err := c.users()
	if err != nil {
		return err
	}
	log := logger(c.Log, t.err)
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
