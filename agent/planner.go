package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"foreshadow/agent/change"
	"foreshadow/agent/orchestrator"
	"foreshadow/agent/predict"
	"foreshadow/cluster"
	"foreshadow/cluster/state"
	"foreshadow/sql/ast"
	"foreshadow/sql/engine"
	"foreshadow/sql/sqlerr"
)

// planner computes what a governed statement would do, so that approvers approve exactly that.
type planner struct {
	node      *cluster.Node
	instances *orchestrator.Orchestrator
}

// Plan words the statement as a proposal, refusing what could not be carried out.
func (p planner) Plan(ctx context.Context, _ engine.Login, in engine.Intent) (engine.Proposal, error) {
	q := engine.Proposal{Statement: in.Text, Source: in.Source}
	var plan any
	var err error
	switch st := in.Statement.(type) {
	case ast.CreateInstance:
		return p.create(ctx, in, st)
	case ast.AlterInstance:
		q.Kind, q.Name, q.Args = string(state.AlterInstance), st.Name, values(st.Params)
		plan, err = q.Args, p.instances.CheckAlter(st.Name, q.Args)
	case ast.DropInstance:
		q.Kind, q.Name = string(state.DropInstance), st.Name
		plan = map[string]any{"drop": st.Name, "size_bytes": p.size(st.Name)}
	case ast.InitializeModel:
		q.Kind, q.Args = string(state.InitializeModel), values(st.Params)
		plan, err = p.model(in.Source, q.Args), predict.ValidateParams(q.Args)
	case ast.AlterModel:
		q.Kind, q.Args = string(state.AlterModel), values(st.Params)
		plan, err = p.model(in.Source, q.Args), predict.ValidateParams(q.Args)
	case ast.ActivateInstances:
		q.Kind = string(state.ActivateInstances)
		plan = map[string]any{"activate": in.Source}
	case ast.Unfreeze:
		q.Kind, q.Source = string(state.Unfreeze), ""
		reason, _ := p.node.Frozen()
		plan = map[string]any{"unfreeze": reason}
	case ast.AlterAccount:
		q.Kind, q.Source = string(state.DropMember), ""
		if st.Add {
			q.Kind = string(state.AddMember)
		}
		q.Args = map[string]string{state.ArgAccount: st.Account, state.ArgLogin: st.Member}
		plan = q.Args
	default:
		return q, sqlerr.New(sqlerr.FeatureNotSupported, "%T is not a governed statement", st)
	}
	if err != nil {
		return q, err
	}
	q.BaseVersions = p.versions(q)
	q.Plan, err = json.Marshal(plan)
	return q, err
}

// create asks the orchestrator for the whole configuration.
func (p planner) create(ctx context.Context, in engine.Intent, st ast.CreateInstance) (engine.Proposal, error) {
	q := engine.Proposal{Kind: string(state.CreateInstance), Statement: in.Text, Source: in.Source, Name: st.Name}
	r := orchestrator.Request{Name: st.Name, Source: in.Source, Params: values(st.Params), AsOf: in.AsOf.Time, AsOfLSN: change.LSN(in.AsOf.LSN)}
	if in.Horizon != 0 {
		r.Horizon = fmt.Sprintf("%d seconds", int64(in.Horizon/time.Second))
	}
	q.BaseVersions = p.versions(q)
	config, err := p.instances.Plan(ctx, r)
	if err != nil {
		return q, err
	}
	q.Plan, err = config.JSON()
	return q, err
}

// versions are what the plan stands on: if one changes, the request is stale.
func (p planner) versions(q engine.Proposal) map[string]uint64 {
	keys := map[string]uint64{}
	set := func(key string) { keys[key] = p.node.Version(key) }
	switch state.Kind(q.Kind) {
	case state.CreateInstance:
		set(state.InstanceKey(p.node.ID(), q.Name))
		set(state.ModelKey(p.node.ID(), q.Source))
		set(state.ActivationKey(p.node.ID(), q.Source))
	case state.AlterInstance, state.DropInstance:
		set(state.InstanceKey(p.node.ID(), q.Name))
	case state.InitializeModel, state.AlterModel:
		set(state.ModelKey(p.node.ID(), q.Source))
	case state.ActivateInstances:
		set(state.ActivationKey(p.node.ID(), q.Source))
	default:
	}
	return keys
}

// model shows the parameters before and after.
func (p planner) model(source string, after map[string]string) map[string]any {
	return map[string]any{"before": p.node.Model("", source).Params, "set": after}
}

func (p planner) size(name string) int64 {
	for _, i := range p.instances.List() {
		if i.Name == name {
			return i.SizeBytes
		}
	}
	return 0
}

func values(params ast.Params) map[string]string {
	m := make(map[string]string, len(params))
	for _, p := range params {
		m[p.Name] = p.Value
	}
	return m
}
