package cli

import (
	"context"
	"fmt"

	"foreshadow/agent"
	"foreshadow/agent/config"
	"foreshadow/agent/shadow"
)

type rebuildCommand struct {
	Config          string `help:"Settings file (YAML)." placeholder:"FILE"`
	config.Settings `embed:""`
}

// Run makes the shadow's DuckDB file anew from its checkpoint and segments. The agent must not be running.
func (c *rebuildCommand) Run(ctx context.Context, t terminal) error {
	step, percent := "", int64(-1)
	at, err := agent.Rebuild(ctx, &c.Settings, logger(c.Log, t.err), func(p shadow.Progress) {
		now := 100 * p.Done / max(p.Total, 1)
		if p.Step == step && now < percent+10 {
			return
		}
		step, percent = p.Step, now
		fmt.Fprintf(t.out, "%s: %d of %d MB (%d %%)\n", p.Step, p.Done>>20, p.Total>>20, now)
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "rebuilt up to %s; the agent goes on from there\n", at)
	return nil
}
