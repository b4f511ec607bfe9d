package cli

import (
	"context"
	"fmt"
	"path/filepath"

	"foreshadow/agent/config"
	"foreshadow/agent/rates"
)

type calibrateCommand struct {
	Config          string `help:"Settings file (YAML)." placeholder:"FILE"`
	config.Settings `embed:""`
}

// Run measures this host with a private server in the data folder; an agent uses the rates from its next start on.
func (c *calibrateCommand) Run(ctx context.Context, t terminal) error {
	dir := c.Server.DataDir
	r, err := rates.Measure(ctx, rates.Options{Dir: filepath.Join(dir, "calibrate"), BinDir: c.Server.PGBin, OSUser: c.Server.OSUser},
		func(name string, perSecond float64) { fmt.Fprintf(t.out, "%-28s %8.3g /s\n", name, perSecond) })
	if err != nil {
		return err
	}
	if err := rates.Write(dir, r); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "kept in %s; an agent that runs uses them after its next start\n", dir)
	return nil
}
