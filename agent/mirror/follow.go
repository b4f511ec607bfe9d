package mirror

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// retireAfter is how long an old server waits for transactions of its sessions to end.
	retireAfter = 5 * time.Minute
	// keepFiles is how long the schema files of an old generation stay for an instance that is being built from them.
	keepFiles = time.Minute
	// stopTimeout bounds the stop of a server.
	stopTimeout = 20 * time.Second
	// checkAtMost is the share of time that looking at the primary's catalogs may take: one part in so many.
	checkAtMost = 50
)

// follow builds the first copy if there is none, then refreshes after schema changes and restarts a server that died.
func (m *Mirror) follow(ctx context.Context) error {
	retry := backoff.NewExponentialBackOff()
	retry.InitialInterval, retry.MaxInterval = 200*time.Millisecond, 15*time.Second
	wait := time.Duration(0)
	var w watcher
	defer w.close()
	for {
		var died <-chan struct{}
		g := m.serving()
		if g != nil {
			died = g.server.Done()
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-died:
			timer.Stop()
			if err := m.revive(ctx, g); err != nil && ctx.Err() == nil {
				return fmt.Errorf("restart the mirror: %w", err)
			}
			continue
		case <-timer.C:
		}
		spent, err := m.look(ctx, &w)
		if err != nil {
			wait = retry.NextBackOff()
			if ctx.Err() == nil {
				m.opts.Log.Warn("the primary's schema cannot be read now", "error", err, "serving", g != nil)
			}
			continue
		}
		retry.Reset()
		wait = max(m.opts.Poll, spent*checkAtMost)
	}
}

// look refreshes when the primary's schema seems to have changed; it says how long the primary was busy with the question.
func (m *Mirror) look(ctx context.Context, w *watcher) (time.Duration, error) {
	g := m.serving()
	if g == nil {
		return 0, m.Refresh(ctx)
	}
	changed, spent, err := w.changed(ctx, m.opts, g.info.Fingerprint)
	if err == nil && !changed {
		err = w.measure(ctx, m.opts, g)
	}
	if err != nil || !changed {
		return spent, err
	}
	return spent, m.Refresh(ctx)
}

// Refresh brings the mirror up to the primary's schema of now. It returns at once when nothing has changed.
func (m *Mirror) Refresh(ctx context.Context) error {
	m.refresh.Lock()
	defer m.refresh.Unlock()
	old := m.serving()
	n := 1
	if old != nil {
		print, err := fingerprint(ctx, m.opts)
		if err != nil {
			return err
		}
		if print == old.info.Fingerprint {
			return nil
		}
		n = old.info.Number + 1
	}
	began := time.Now()
	g, err := build(ctx, m.opts, n)
	if err != nil {
		return fmt.Errorf("copy the primary's schema: %w", err)
	}
	if err := m.setCurrentFile(g); err != nil {
		g.destroy()
		return err
	}
	m.install(g)
	for _, w := range g.info.Warnings {
		m.opts.Log.Warn("part of the primary's schema is not mirrored as it is", "what", w)
	}
	m.opts.Log.Info("the mirror has the primary's schema", "generation", n, "took", time.Since(began).Round(time.Millisecond).String())
	return nil
}

// install makes a server the one in force and lets the sessions leave the one before.
func (m *Mirror) install(g *generation) {
	m.mu.Lock()
	old := m.current
	m.current = g
	m.mu.Unlock()
	m.once.Do(func() { close(m.ready) })
	if old == nil {
		return
	}
	m.retired.Add(1)
	go func() {
		defer m.retired.Done()
		m.retire(old)
	}()
}

// retire waits until the sessions of an old server have moved, then removes it.
func (m *Mirror) retire(g *generation) {
	began := time.Now()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for time.Since(began) < retireAfter && m.serving() != nil {
		left, pending := m.on(g)
		for _, s := range left {
			s.depart(g)
		}
		if len(left) == 0 && !pending {
			break
		}
		<-tick.C
	}
	g.stop()
	for time.Since(began) < keepFiles && m.serving() != nil {
		<-tick.C
	}
	g.destroy()
}

// revive restarts the server in force after it died; its sessions are gone.
func (m *Mirror) revive(ctx context.Context, g *generation) error {
	if m.serving() != g || ctx.Err() != nil {
		return nil
	}
	m.opts.Log.Warn("the mirror's server died and is started again", "log", g.server.LogTail(5))
	start, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return g.server.Start(start)
}

// shutdown stops all servers; the one in force stays on disk for the next run.
func (m *Mirror) shutdown() {
	m.mu.Lock()
	g := m.current
	m.current = nil
	m.mu.Unlock()
	m.retired.Wait()
	if g != nil {
		g.stop()
	}
}

// currentFile names the generation in force, so that the next run finds it.
const currentFile = "current"

// setCurrentFile replaces the file in one step.
func (m *Mirror) setCurrentFile(g *generation) error {
	path := filepath.Join(m.opts.Dir, currentFile)
	if err := os.WriteFile(path+".new", []byte(filepath.Base(g.dir)+"\n"), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// reopen starts the server that the last run left, without the primary, and removes what else is left of earlier runs.
func (m *Mirror) reopen(ctx context.Context) error {
	name, err := os.ReadFile(filepath.Join(m.opts.Dir, currentFile))
	keep := strings.TrimSpace(string(name))
	var g *generation
	if err == nil {
		if g, err = open(ctx, m.opts, filepath.Join(m.opts.Dir, filepath.Base(keep))); err != nil {
			keep = ""
		}
	}
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	leftovers, _ := filepath.Glob(filepath.Join(m.opts.Dir, "generation-*"))
	for _, dir := range leftovers {
		if filepath.Base(dir) != keep {
			discard(ctx, m.opts, dir)
		}
	}
	if g != nil {
		m.install(g)
	}
	return err
}
