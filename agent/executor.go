package agent

import (
	"context"
	"encoding/json"
	"fmt"

	"foreshadow/agent/orchestrator"
	"foreshadow/cluster/state"
	"foreshadow/sql/sqlerr"
)

// executor carries out what two accounts have approved. Each kind may be called again with the same request and does its work once.
type executor struct {
	instances *orchestrator.Orchestrator
	ready     <-chan struct{} // rows and schema are there to build from
}

// Execute returns a receipt, or an error when nothing of the work is left.
func (e *executor) Execute(ctx context.Context, r state.Request) (string, error) {
	switch r.Kind {
	case state.CreateInstance:
		config, err := orchestrator.ParseConfig(json.RawMessage(r.Plan))
		if err != nil {
			return "", err
		}
		select { // decided while this agent was away: it gets to know of that before it has opened its own copies
		case <-e.ready:
		case <-ctx.Done():
			return "", ctx.Err()
		}
		if err := e.instances.Create(ctx, config, r.Hash, int64(r.ID)); err != nil {
			return "", err
		}
		return fmt.Sprintf("predictive instance %s is ready", config.Name), nil
	case state.AlterInstance:
		return "altered", e.instances.Alter(ctx, r.Target.Name, r.Args)
	case state.DropInstance:
		err := e.instances.Drop(ctx, r.Target.Name)
		if sqlerr.Code(err) == sqlerr.UndefinedObject { // a first try before a crash did it
			err = nil
		}
		return "dropped", err
	case state.InitializeModel, state.AlterModel, state.ActivateInstances:
		return "in force", nil // the replicated state holds the effect; followModel puts it to work
	default:
		return "", sqlerr.New(sqlerr.FeatureNotSupported, "this agent cannot carry out %s", r.Kind)
	}
}
