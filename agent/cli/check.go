package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"foreshadow/agent/capture"
)

type checkCommand struct {
	Source      string `help:"Connection string of the primary, with the role that the agent will use." required:"" placeholder:"DSN"`
	Slot        string `help:"Replication slot." default:"foreshadow"`
	Publication string `help:"Publication." default:"foreshadow"`
}

// checkTimeout bounds the whole look at the primary.
const checkTimeout = 30 * time.Second

// Run prints each finding; the exit status is 1 when capture could not run safely.
func (c checkCommand) Run(ctx context.Context, t terminal) error {
	if err := preflight(ctx, capture.Options{DSN: c.Source, Slot: c.Slot, Publication: c.Publication, Failover: true}, t.out); err != nil {
		return err
	}
	fmt.Fprintln(t.out, "ok: this primary can be captured")
	return nil
}

// preflight prints each finding with the statement that mends it, and fails when capture could not run safely.
func preflight(ctx context.Context, o capture.Options, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	source, err := capture.New(o)
	if err != nil {
		return err
	}
	findings, err := source.Check(ctx)
	if err != nil {
		return err
	}
	unsafe := false
	for _, f := range findings {
		fmt.Fprintf(out, "%s: %s\n", f.Level, f.What)
		if f.Remedy != "" {
			fmt.Fprintf(out, "    %s\n", f.Remedy)
		}
		unsafe = unsafe || f.Level == capture.Error
	}
	if unsafe {
		return failure{1}
	}
	return nil
}
