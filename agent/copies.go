package agent

import (
	"fmt"

	"foreshadow/agent/ingest"
)

// Copy is the progress of one table's initial copy.
type Copy struct{ ingest.Operation }

// Copies lists the initial copies under way or done.
func (a *Agent) Copies() []Copy {
	var list []Copy
	for _, o := range a.ingest.Operations() {
		if o.Object != ingest.AllTables {
			list = append(list, Copy{o})
		}
	}
	return list
}

// Line words the progress for a terminal.
func (c Copy) Line() string {
	if c.Total <= 0 {
		return fmt.Sprintf("copy %-24s %10d %s", c.Object, c.Done, c.Unit)
	}
	return fmt.Sprintf("copy %-24s %10d of about %d %s (%d %%)", c.Object, c.Done, c.Total, c.Unit, min(100, 100*c.Done/c.Total))
}
