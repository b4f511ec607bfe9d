package agent

import (
	"context"
	"fmt"
	"time"

	"foreshadow/agent/predict"
	"foreshadow/cluster"
	"foreshadow/cluster/state"
	"foreshadow/sql/sqlerr"
)

// followEvery is how often decisions and instances are compared when no event says so.
const followEvery = 5 * time.Second

// bootstrap enters the first members. Every agent may do it at every start; only the first in the cluster's life has an effect.
// Reading logins are the operator's own and follow the users file at each start.
func (a *Agent) bootstrap(ctx context.Context) error {
	if len(a.options.Users) == 0 {
		return nil
	}
	var all []cluster.Login
	for _, u := range a.options.Users {
		all = append(all, cluster.Login{Login: u.Login, Account: u.Account, Person: u.Person, Role: u.Role, Verifier: u.Verifier})
	}
	g, err := genesis(all, a.settings.Instances.RequireActivation)
	if err != nil {
		return err
	}
	for { // a cluster of several agents has no leader until most of them are there, and may lose it at any time
		err := a.enroll(ctx, g, all)
		switch {
		case err == nil || ctx.Err() != nil:
			return nil
		case !passing(err):
			return err
		}
		a.log.Warn("waiting for the other agents", "error", err)
	}
}

// passing says whether an error of the cluster is about reaching the other agents, so that the same may be tried again.
func passing(err error) bool {
	switch sqlerr.Code(err) {
	case sqlerr.CannotConnectNow, sqlerr.TransactionUnknown, sqlerr.QueryCanceled:
		return true
	default:
		return false
	}
}

// enroll tries once to enter the members and the reading logins. It may be repeated.
func (a *Agent) enroll(ctx context.Context, g cluster.Genesis, all []cluster.Login) error {
	first, err := a.cluster.Bootstrap(ctx, g)
	if err != nil {
		return fmt.Errorf("set up the first members: %w", err)
	}
	if err := a.readers(ctx, all); err != nil {
		return err
	}
	a.log.Info("members are set up", "first_start", first)
	return nil
}

// readers enters the reading logins that the users file has new or changed. Their passwords live in the replicated state from then on.
func (a *Agent) readers(ctx context.Context, all []cluster.Login) error {
	for _, l := range all {
		if m, known := a.cluster.Member(l.Login); l.Account != "" || known && m.Role == l.Role && m.Person == l.Person {
			continue
		}
		if err := a.cluster.SetReader(ctx, l); err != nil && ctx.Err() == nil {
			return fmt.Errorf("set up login %q: %w", l.Login, err)
		}
	}
	return nil
}

// importHistory reads the load history once the predictor can store it.
func (a *Agent) importHistory(ctx context.Context) error {
	if a.options.History == "" {
		return nil
	}
	n, err := a.predictor.ImportCSV(ctx, a.options.History)
	if err != nil {
		return fmt.Errorf("import load history: %w", err)
	}
	a.log.Info("load history imported", "values", n)
	return nil
}

// follow puts decisions of governance to work: the model's parameters, and the end of instances whose time was over.
func (a *Agent) follow(ctx context.Context) error {
	events := a.cluster.Watch(ctx)
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	gone := map[string]bool{}
	for {
		a.followModel()
		gone = a.followInstances(ctx, gone)
		select {
		case _, ok := <-events:
			if !ok {
				return nil
			}
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (a *Agent) followModel() {
	m := a.cluster.Model("", a.database)
	err := a.predictor.SetModel(predict.Model{
		Version: int64(m.Request), Values: m.Params, Initialized: m.Initialized, Active: m.Active(a.settings.Instances.RequireActivation),
	})
	if err != nil {
		a.log.Error("the approved model parameters are not valid here", "error", err)
	}
}

// followInstances records instances that governance knows and the orchestrator no longer has. One that is missing twice in a row, with no
// request under way that would explain it, has come to its end.
func (a *Agent) followInstances(ctx context.Context, before map[string]bool) map[string]bool {
	busy := map[string]bool{}
	for _, r := range a.cluster.Requests() {
		if r.Phase == state.Executing || r.Phase == state.Approved {
			busy[r.Target.Name] = true
		}
	}
	now := map[string]bool{}
	for _, i := range a.cluster.Instances() {
		if !i.Exists || i.Agent != a.cluster.ID() || a.instances.Exists(i.Name) || busy[i.Name] {
			continue
		}
		if !before[i.Name] {
			now[i.Name] = true
			continue
		}
		if err := a.cluster.EndInstance(ctx, i.Name, "its lifetime was over or its data was lost"); err != nil {
			a.log.Warn("the end of an instance is not recorded yet", "instance", i.Name, "error", err)
		}
	}
	return now
}
