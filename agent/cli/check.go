package cli

import (
	"context"
	"fmt"
	"time"

	"foreshadow/agent/capture"
)

type checkCommand struct {
	Source string `help:"Connection string of the primary, with the role that the agent will use." required:"" placeholder:"DSN"`
}

// checkTimeout bounds the whole look at the primary.
const checkTimeout = 30 * time.Second

// Run prints each finding with the statement that mends it; the exit status is 1 when capture could not run safely.
func (c checkCommand) Run(ctx context.Context, t terminal) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	findings, err := capture.Check(ctx, c.Source)
	if err != nil {
		return err
	}
	unsafe := false
	for _, f := range findings {
		fmt.Fprintf(t.out, "%s: %s\n", f.Level, f.What)
		if f.Remedy != "" {
			fmt.Fprintf(t.out, "    %s\n", f.Remedy)
		}
		unsafe = unsafe || f.Level == capture.Error
	}
	if unsafe {
		return failure{1}
	}
	fmt.Fprintln(t.out, "ok: this primary can be captured")
	return nil
}
