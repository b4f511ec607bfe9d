package orchestrator

import (
	"context"
	"errors"
	"time"

	"foreshadow/agent/orchestrator/local"
	"foreshadow/sql/sqlerr"
)

// What the watching goes by.
const (
	watchEvery  = 300 * time.Millisecond
	failedKept  = 24 * time.Hour // how long a failure's record is shown
	readOnlyWhy = "read-only: above max_size"
)

// watch breaks a build off, with the reason as the context's cause, once it passes its size limit or the disk runs full.
// The returned function ends the watching and waits for it.
func (o *Orchestrator) watch(ctx context.Context, i *instance) (context.Context, func()) {
	watched, cancel := context.WithCancelCause(ctx)
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-watched.Done():
				return
			case <-tick.C:
			}
			size, err := local.Size(o.dataDir(i.record.Config.Name))
			if err == nil {
				err = o.within(i, size)
			}
			if err != nil {
				cancel(err)
				return
			}
		}
	}()
	return watched, func() { close(stop); <-ended }
}

// within checks a size against the instance's limit, and the disk.
func (o *Orchestrator) within(i *instance, size int64) error {
	o.mu.Lock()
	i.record.SizeBytes = size
	limit := i.record.MaxSize
	o.mu.Unlock()
	if size > limit {
		return sqlerr.New(sqlerr.ConfigurationLimit, "the instance has reached %s, more than its max_size of %s", pretty(size), pretty(limit)).
			WithHint("Raise max_size, or ask for a nearer horizon or a lower quantile.")
	}
	free, err := o.opts.FreeDisk()
	if err == nil && free < diskReserve/2 {
		return sqlerr.New(sqlerr.DiskFull, "only %s of disk space is left", pretty(free)).WithHint("Free disk space or drop another instance.")
	}
	return err
}

// check drops what has expired, starts what should run and measures what does.
func (o *Orchestrator) check(ctx context.Context) {
	o.mu.Lock()
	all := make(map[string]*instance, len(o.instances))
	for name, i := range o.instances {
		all[name] = i
	}
	o.mu.Unlock()
	for name, i := range all {
		if ctx.Err() != nil {
			return
		}
		if err := o.checkOne(ctx, name, i); err != nil && ctx.Err() == nil {
			o.opts.Log.Warn("an instance could not be checked", "instance", name, "error", err)
			o.mu.Lock()
			i.record.Message = sqlerr.From(err).Message
			o.mu.Unlock()
		}
	}
}

// checkOne looks after one instance.
func (o *Orchestrator) checkOne(ctx context.Context, name string, i *instance) error {
	o.mu.Lock()
	r := i.record
	o.mu.Unlock()
	now := o.opts.Now()
	switch {
	case r.State == Failed && now.Sub(r.CreatedAt) > failedKept:
		o.mu.Lock()
		if o.instances[name] == i {
			delete(o.instances, name)
		}
		o.mu.Unlock()
		return o.forget(name)
	case r.State != Ready:
		return nil
	case !now.Before(r.ExpiresAt):
		o.opts.Log.Info("an instance has reached its time to live", "instance", name)
		return o.Drop(ctx, name)
	}
	if err := o.ensureRunning(ctx, i); err != nil {
		return err
	}
	return o.enforce(ctx, i)
}

// ensureRunning starts a ready instance's server when it does not run: after a restart of the agent, or after it crashed.
func (o *Orchestrator) ensureRunning(ctx context.Context, i *instance) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	o.mu.Lock()
	r := i.record
	o.mu.Unlock()
	if r.State != Ready || (i.server != nil && i.server.Running()) {
		return nil
	}
	server, err := local.Open(o.serverOptions(r.Config.Name, r.Config.InstanceSize.Settings))
	if err != nil {
		return err
	}
	if err := server.Start(ctx); err != nil {
		return err
	}
	i.server = server
	o.opts.Log.Info("an instance was started", "instance", r.Config.Name)
	return nil
}

// enforce makes an instance read-only while it is above its limit, and writable again afterwards.
func (o *Orchestrator) enforce(ctx context.Context, i *instance) error {
	size, err := local.Size(o.dataDir(i.record.Config.Name))
	if err != nil {
		return err
	}
	err = o.within(i, size)
	var limit *sqlerr.Error
	over := errors.As(err, &limit)
	if err != nil && !over {
		return err
	}
	message := ""
	if over {
		message = readOnlyWhy
	}
	o.mu.Lock()
	known := i.record.Message
	o.mu.Unlock()
	if message == known {
		return nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.server == nil {
		return nil
	}
	if err := i.server.ReadOnly(ctx, i.record.Config.Name, over); err != nil {
		return err
	}
	return o.update(i, func(r *record) { r.Message = message })
}
