package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"foreshadow/agent"
	"foreshadow/agent/config"
	"foreshadow/agent/predict"
	"foreshadow/sql/sqlerr"
)

type importCommand struct {
	DDL        importDDLCommand        `cmd:"" name:"ddl" help:"Import the history of schema changes, such as that of a migrations folder."`
	Prometheus importPrometheusCommand `cmd:"" help:"Import the history that a Prometheus has of postgres_exporter and node_exporter."`
}

// inboxFlags name the agent that takes an import.
type inboxFlags struct {
	Config  string `help:"Settings file (YAML) of the agent." placeholder:"FILE"`
	DataDir string `help:"Folder of the agent." default:"/var/lib/foreshadow" placeholder:"DIR"`
}

// inbox is the folder in which the agent looks for imports. The agent makes it, so that it may empty it.
func (f inboxFlags) inbox() (string, error) {
	dir := agent.Inbox(&config.Settings{Server: config.Server{DataDir: f.DataDir}})
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return "", sqlerr.New(sqlerr.ObjectNotInState, "no agent has used the data folder %s yet", f.DataDir).WithHint("Name an agent's folder with --data-dir, or its settings with --config; start the agent once before.")
	}
	return dir, err
}

type importDDLCommand struct {
	inboxFlags `embed:""`
	CSV        string `name:"csv" help:"File with the columns timestamp, table and kind, and optionally project, migration and object." required:"" placeholder:"FILE"`
	Project    string `help:"The project whose rows are imported, when the file holds several." placeholder:"NAME"`
}

// Run reads the whole file before anything is imported, so that a bad row leaves nothing half done.
func (c importDDLCommand) Run(t terminal) error {
	inbox, err := c.inbox()
	if err != nil {
		return err
	}
	f, err := os.Open(c.CSV)
	if err != nil {
		return fmt.Errorf("open history: %w", err)
	}
	defer f.Close()
	h, err := predict.ReadHistory(f, c.Project, time.Now())
	if err != nil {
		return err
	}
	if err := predict.LeaveHistory(inbox, h.Events, time.Now()); err != nil {
		return err
	}
	first, last := h.Events[0].At, h.Events[0].At
	for _, e := range h.Events {
		if e.At.Before(first) {
			first = e.At
		}
		if e.At.After(last) {
			last = e.At
		}
	}
	fmt.Fprintf(t.out, "%d changes of tables from %s to %s\n", len(h.Events), first.Format(time.DateOnly), last.Format(time.DateOnly))
	if h.Passed > 0 {
		fmt.Fprintf(t.out, "%d rows are about other objects and were passed over\n", h.Passed)
	}
	if h.Bulk > 0 {
		fmt.Fprintf(t.out, "%d large migrations count only for the tables that they made\n", h.Bulk)
	}
	fmt.Fprintln(t.out, "the agent takes them within seconds, or when it starts; then they stand in foreshadow.schema_changes")
	return nil
}
