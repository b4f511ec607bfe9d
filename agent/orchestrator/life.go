package orchestrator

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"foreshadow/agent/orchestrator/local"
	"foreshadow/sql/sqlerr"
)

// unknown is the error for a name that is no instance's.
func unknown(name string) error {
	return sqlerr.New(sqlerr.UndefinedObject, "predictive instance %q does not exist", name).WithHint("See foreshadow.instances.")
}

// lookup finds an instance that exists in the user's sense.
func (o *Orchestrator) lookup(name string) (*instance, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	i, ok := o.instances[name]
	if !ok {
		return nil, unknown(name)
	}
	return i, nil
}

// Exists says whether a database name means an instance, ready or not.
func (o *Orchestrator) Exists(name string) bool { return o.taken(name) }

// Drop removes an instance with everything of it; a build under way is broken off first. A name that is unknown is
// an error 42704, so that an executor that repeats itself may treat that as done.
func (o *Orchestrator) Drop(ctx context.Context, name string) error {
	i, err := o.lookup(name)
	if err != nil {
		return err
	}
	o.mu.Lock()
	if i.cancel != nil {
		i.cancel(sqlerr.New(sqlerr.QueryCanceled, "the instance was dropped while it was built"))
	}
	o.mu.Unlock()
	if i.done != nil {
		select {
		case <-i.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := o.update(i, func(r *record) { r.State = Dropping }); err != nil {
		return err
	}
	op := o.begin("drop", name)
	err = o.demolish(ctx, name, i)
	o.end(op, err)
	return err
}

// demolish stops and removes the server, then the record.
func (o *Orchestrator) demolish(ctx context.Context, name string, i *instance) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.server != nil {
		if err := i.server.Destroy(ctx); err != nil {
			return fmt.Errorf("drop predictive instance %q: %w", name, err)
		}
		i.server = nil
	}
	if err := local.Remove(ctx, o.serverOptions(name, nil)); err != nil {
		return fmt.Errorf("drop predictive instance %q: %w", name, err)
	}
	o.mu.Lock()
	if o.instances[name] == i {
		delete(o.instances, name)
	}
	o.mu.Unlock()
	return o.forget(name)
}

// Cancel breaks off a build under way; its Create fails with 57014 and leaves nothing behind.
func (o *Orchestrator) Cancel(name string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	i, ok := o.instances[name]
	if !ok {
		return unknown(name)
	}
	if i.cancel == nil {
		return sqlerr.New(sqlerr.ObjectNotInState, "predictive instance %q is not being built", name)
	}
	i.cancel(sqlerr.New(sqlerr.QueryCanceled, "the build was canceled by a user"))
	return nil
}

// CheckAlter validates an ALTER without doing it: for the moment when it is proposed.
func (o *Orchestrator) CheckAlter(name string, params map[string]string) error {
	if !o.taken(name) {
		return unknown(name)
	}
	w, err := readParameters(params, true)
	if err != nil {
		return err
	}
	if w.maxSize > o.opts.MaxSize {
		return sqlerr.New(sqlerr.InvalidParameterValue, "max_size of %s is above the agent's limit of %s", pretty(w.maxSize), pretty(o.opts.MaxSize))
	}
	return nil
}

// Alter changes an instance's time to live, counted from now, and its size limit.
func (o *Orchestrator) Alter(ctx context.Context, name string, params map[string]string) error {
	if err := o.CheckAlter(name, params); err != nil {
		return err
	}
	w, err := readParameters(params, true)
	if err != nil {
		return err
	}
	i, err := o.lookup(name)
	if err != nil {
		return err
	}
	now := o.opts.Now().UTC().Truncate(time.Second)
	if err := o.update(i, func(r *record) {
		if w.ttlSet {
			r.ExpiresAt = w.ttl.add(now)
		}
		if w.maxSize != 0 {
			r.MaxSize = w.maxSize
		}
	}); err != nil {
		return err
	}
	return o.checkOne(ctx, name, i)
}

// List gives all instances by name, also failed ones for a day.
func (o *Orchestrator) List() []Instance {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := make([]Instance, 0, len(o.instances))
	for _, i := range o.instances {
		r := i.record
		out = append(out, Instance{Name: r.Config.Name, State: r.State, Source: r.Config.Source, Fidelity: r.Config.DataSeed.Fidelity,
			Horizon: r.Config.Horizon, AsOfLSN: r.Config.DataSeed.LSN, RequestID: r.RequestID, SizeBytes: r.SizeBytes, MaxSize: r.MaxSize,
			CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt, Message: r.Message, Connections: i.open})
	}
	slices.SortFunc(out, func(a, b Instance) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Reports lists the fidelity reports of all instances by name.
func (o *Orchestrator) Reports() []ReportRow {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []ReportRow
	for _, i := range o.instances {
		out = append(out, i.record.Report...)
	}
	slices.SortStableFunc(out, func(a, b ReportRow) int { return strings.Compare(a.Name, b.Name) })
	return out
}
