package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"foreshadow/agent"
)

// progressEvery is how often dev looks whether there is progress to print.
const progressEvery = 200 * time.Millisecond

// showProgress prints the initial copy table by table, then "ready" on a line of its own.
func showProgress(ctx context.Context, a *agent.Agent, out io.Writer) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	shown := map[string]string{}
	for {
		for _, o := range a.Copies() {
			if line := o.Line(); shown[o.Object] != line {
				shown[o.Object] = line
				fmt.Fprintln(out, line)
			}
		}
		select {
		case <-a.Ready():
			fmt.Fprintln(out, "ready")
			return
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
