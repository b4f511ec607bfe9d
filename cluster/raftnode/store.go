package raftnode

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
)

// logStore is what a store of the log and the votes has to do.
type logStore interface {
	raft.LogStore
	raft.StableStore
	Close() error
}

// guardedStore ends the process when a write fails or takes longer than its deadline. Returning an error instead and going on would
// let the abandoned write land later, over an entry of the next leader with the same index.
type guardedStore struct {
	inner    logStore
	deadline time.Duration
	fatal    func(error)
	dead     atomic.Bool
}

// errDead is the answer to every write after a fatal one, should the process still be there.
var errDead = errors.New("the raft log is closed after a write that failed or hung")

// openStore opens the log file. A corrupt file makes bbolt panic: that becomes an error that says what to do.
func openStore(path string, deadline time.Duration, fatal func(error)) (s *guardedStore, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the raft log %q is damaged (%v): move it away; with other agents running, this one copies their state", path, p)
		}
	}()
	b, err := raftboltdb.New(raftboltdb.Options{Path: path, BoltOptions: &bbolt.Options{Timeout: 2 * time.Second}})
	if err != nil {
		return nil, fmt.Errorf("open the raft log %q: %w", path, err)
	}
	return &guardedStore{inner: b, deadline: deadline, fatal: fatal}, nil
}

// write runs one write in the caller's goroutine while a timer watches it: a write is never left behind.
func (g *guardedStore) write(what string, f func() error) error {
	if g.dead.Load() {
		return errDead
	}
	t := time.AfterFunc(g.deadline, func() {
		g.die(fmt.Errorf("%s: the disk did not answer within %s", what, g.deadline))
	})
	err := f()
	t.Stop()
	if err != nil {
		g.die(fmt.Errorf("%s: %w", what, err))
	}
	if g.dead.Load() {
		return errDead
	}
	return nil
}

// die reports the first failure.
func (g *guardedStore) die(err error) {
	if !g.dead.Swap(true) {
		g.fatal(err)
	}
}

// close closes the file.
func (g *guardedStore) close() error { return g.inner.Close() }

// The reads of raft.LogStore and raft.StableStore pass through; the library compares their errors by text.
func (g *guardedStore) FirstIndex() (uint64, error)              { return g.inner.FirstIndex() }
func (g *guardedStore) LastIndex() (uint64, error)               { return g.inner.LastIndex() }
func (g *guardedStore) GetLog(index uint64, log *raft.Log) error { return g.inner.GetLog(index, log) }
func (g *guardedStore) Get(key []byte) ([]byte, error)           { return g.inner.Get(key) }
func (g *guardedStore) GetUint64(key []byte) (uint64, error)     { return g.inner.GetUint64(key) }

// StoreLog writes one entry.
func (g *guardedStore) StoreLog(log *raft.Log) error { return g.StoreLogs([]*raft.Log{log}) }

// StoreLogs writes entries.
func (g *guardedStore) StoreLogs(logs []*raft.Log) error {
	return g.write("write the raft log", func() error { return g.inner.StoreLogs(logs) })
}

// DeleteRange removes entries.
func (g *guardedStore) DeleteRange(from, to uint64) error {
	return g.write("shorten the raft log", func() error { return g.inner.DeleteRange(from, to) })
}

// Set writes a vote or a term.
func (g *guardedStore) Set(key, val []byte) error {
	return g.write("write a raft vote", func() error { return g.inner.Set(key, val) })
}

// SetUint64 writes a vote or a term.
func (g *guardedStore) SetUint64(key []byte, val uint64) error {
	return g.write("write a raft term", func() error { return g.inner.SetUint64(key, val) })
}
