package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"foreshadow/agent/change"
	"foreshadow/agent/orchestrator/local"
	"foreshadow/agent/orchestrator/seed"
	"foreshadow/sql/sqlerr"
)

// Create builds what was approved and returns when the instance accepts connections. It is idempotent by hash: a second
// call waits for the first or finds its work done. After any failure, also a cancelled context, nothing is left but a record that says why.
func (o *Orchestrator) Create(ctx context.Context, c InstanceConfig, hash string, requestID int64) error {
	if err := checkName(c.Name, o.reserved()); err != nil {
		return err
	}
	i, mine, err := o.claim(c, hash, requestID)
	if err != nil {
		return err
	}
	if !mine {
		return await(ctx, i)
	}
	building, cancel := context.WithCancelCause(ctx)
	o.mu.Lock()
	i.cancel = cancel
	select {
	case <-o.closed:
		cancel(sqlerr.New(sqlerr.AdminShutdown, "the agent is shutting down"))
	default:
	}
	o.mu.Unlock()
	err = o.construct(building, i)
	cancel(nil)
	o.mu.Lock()
	i.err, i.cancel = err, nil
	o.mu.Unlock()
	close(i.done)
	return err
}

// claim takes the name for this hash. mine is false when the hash is being built or is ready already.
func (o *Orchestrator) claim(c InstanceConfig, hash string, requestID int64) (i *instance, mine bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if old, ok := o.instances[c.Name]; ok && old.record.State != Failed {
		if old.record.Hash == hash && old.record.State != Dropping {
			return old, false, nil
		}
		return nil, false, sqlerr.New(sqlerr.DuplicateObject, "predictive instance %q already exists", c.Name).WithHint("Drop it first, or choose another name.")
	}
	now := o.opts.Now().UTC().Truncate(time.Second)
	i = &instance{done: make(chan struct{}), record: record{State: Planned, Config: c, Hash: hash, RequestID: requestID, CreatedAt: now,
		ExpiresAt: now.Add(time.Duration(c.TTLSeconds) * time.Second), MaxSize: c.StorageCapacity.Max}}
	o.instances[c.Name] = i
	return i, true, nil
}

// await gives the outcome of another call's build.
func await(ctx context.Context, i *instance) error {
	if i.done == nil { // ready since an earlier process
		return nil
	}
	select {
	case <-i.done:
		return i.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// construct builds and cleans up after itself.
func (o *Orchestrator) construct(ctx context.Context, i *instance) error {
	op := o.begin("build", i.record.Config.Name)
	watched, stop := o.watch(ctx, i)
	err := o.build(watched, i, op)
	stop()
	if cause := context.Cause(watched); err != nil && cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause // the limit or the shutdown, not the broken connection that it led to
	}
	if err != nil {
		err = fmt.Errorf("build predictive instance %q: %w", i.record.Config.Name, err)
		err = errors.Join(err, o.discard(i, err))
	}
	o.end(op, err)
	return err
}

// discard removes everything of a failed build. The record stays, as the only trace; the name is free again.
func (o *Orchestrator) discard(i *instance, why error) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	i.mu.Lock()
	server := i.server
	i.server = nil
	i.mu.Unlock()
	var err error
	if server != nil {
		err = server.Destroy(ctx)
	}
	if err == nil {
		err = local.Remove(ctx, o.serverOptions(i.record.Config.Name, nil))
	}
	err = errors.Join(err, os.RemoveAll(o.schemaDir(i.record.Config.Name)))
	return errors.Join(err, o.update(i, func(r *record) {
		r.State, r.Message, r.SizeBytes, r.Report = Failed, sqlerr.From(why).Message, 0, nil
	}))
}

// build is the way from an approved plan to a ready server.
func (o *Orchestrator) build(ctx context.Context, i *instance, op *operation) error {
	c := i.record.Config
	if err := o.fits(c); err != nil {
		return err
	}
	if err := o.update(i, func(r *record) { r.State = Building }); err != nil {
		return err
	}
	roles, pre, post, err := o.schema(ctx, c)
	if err != nil {
		return fmt.Errorf("dump schema: %w", err)
	}
	defer os.RemoveAll(o.schemaDir(c.Name))
	o.step(op, "server", 0, 0, "", "")
	server, err := local.Create(ctx, o.serverOptions(c.Name, local.Loading(c.InstanceSize.Settings)))
	if err != nil {
		return err
	}
	i.mu.Lock()
	i.server = server
	i.mu.Unlock()
	o.step(op, "schema", 0, 0, "", "")
	if err := server.Prepare(ctx, c.Name, roles, pre); err != nil {
		return err
	}
	report, err := o.fill(ctx, server, c, post, op)
	if err != nil {
		return err
	}
	o.step(op, "settle", 0, 0, "", "")
	if err := server.Settle(ctx, c.InstanceSize.Settings); err != nil {
		return err
	}
	size, err := local.Size(o.dataDir(c.Name))
	if err != nil {
		return err
	}
	if err := o.within(i, size); err != nil {
		return err
	}
	return o.update(i, func(r *record) {
		r.State, r.SizeBytes, r.Message = Ready, size, ""
		r.Report = reportRows(c, report, size)
	})
}

// schemaDir keeps the dump while an instance is built. It stands beside the data directories, so that it is swept like them.
func (o *Orchestrator) schemaDir(name string) string { return o.dataDir(name) + ".schema" }

// schema copies the dump's files: the source's may be replaced before the last is needed.
func (o *Orchestrator) schema(ctx context.Context, c InstanceConfig) (roles, pre, post string, err error) {
	roles, pre, post, err = o.opts.Schema.SchemaDump(ctx, c.Source)
	if err != nil {
		return "", "", "", err
	}
	dir := o.schemaDir(c.Name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", "", "", err
	}
	for i, path := range []*string{&roles, &pre, &post} {
		if *path == "" {
			continue
		}
		content, err := os.ReadFile(*path)
		if err != nil {
			return "", "", "", err
		}
		*path = filepath.Join(dir, strconv.Itoa(i)+".sql")
		if err := os.WriteFile(*path, content, 0o600); err != nil {
			return "", "", "", err
		}
	}
	return roles, pre, post, nil
}

// PinPrefix begins the names of the pins that builds hold on the past. A build does not outlive its process, so a start may take them all away.
const PinPrefix = "instance:"

// fill loads, grows and indexes the rows.
func (o *Orchestrator) fill(ctx context.Context, server *local.Server, c InstanceConfig, post string, op *operation) (seed.Report, error) {
	lsn, err := change.ParseLSN(c.DataSeed.LSN)
	if err != nil {
		return seed.Report{}, err
	}
	if p, ok := o.opts.Store.(Pinner); ok {
		pin := PinPrefix + c.Name
		if err := p.Pin(ctx, pin, lsn); err != nil {
			return seed.Report{}, err
		}
		defer func() {
			if err := p.Unpin(context.WithoutCancel(ctx), pin); err != nil {
				o.opts.Log.Warn("a pin on the past could not be taken away; the next start does it", "pin", pin, "error", err)
			}
		}()
	}
	relations, err := o.opts.Store.Relations(ctx)
	if err != nil {
		return seed.Report{}, fmt.Errorf("list relations of the shadow: %w", err)
	}
	targets := map[string]int64{}
	if !c.Horizon.IsZero() {
		for _, g := range c.DataSeed.Growth {
			targets[g.Relation] = g.Rows
		}
	}
	return seed.Build(ctx, seed.Options{
		Server: server, Database: c.Name, Post: post, Relations: relations, Store: o.opts.Store, LSN: lsn,
		Targets: targets, From: c.PlannedAt, To: c.Horizon, RandomSeed: c.DataSeed.RandomSeed, Log: o.opts.Log,
		Progress: func(phase, object string, done, total int64) { o.step(op, phase, done, total, "rows", object) },
	})
}

// reportRows joins what the seed did with what was planned.
func reportRows(c InstanceConfig, r seed.Report, size int64) []ReportRow {
	planned := map[string]int64{}
	for _, g := range c.DataSeed.Growth {
		planned[g.Relation] = g.Bytes
	}
	rows := make([]ReportRow, 0, len(r.Rows)+1)
	for _, s := range r.Rows {
		row := ReportRow{Name: c.Name, Relation: s.Relation, SourceRows: s.SourceRows, ProjectedRows: s.ProjectedRows, ActualRows: s.ActualRows, SizeBytes: s.Bytes, CheckName: s.Check, Result: s.Result}
		if bytes := planned[s.Relation]; s.Check == seed.CheckSize && bytes >= 1<<20 { // below, pages and empty indexes are all there is
			row.Result = fmt.Sprintf("%+.0f %% against the forecast's %s", 100*(float64(s.Bytes)/float64(bytes)-1), pretty(bytes))
		}
		rows = append(rows, row)
	}
	return append(rows, ReportRow{Name: c.Name, SourceRows: -1, ProjectedRows: -1, ActualRows: -1, SizeBytes: size, CheckName: "instance size",
		Result: fmt.Sprintf("%s of at most %s", pretty(size), pretty(c.StorageCapacity.Max))})
}
