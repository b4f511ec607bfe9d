// Package raftnode is one member of the Raft group: hashicorp/raft with its log on bbolt, its own TLS 1.3 streams between agents, and
// streams on which agents ask one another. The cluster package calls it; it is the only owner of hashicorp/raft and knows nothing of
// what the entries mean. It must not go on after a log write that failed or hangs: that ends the process.
package raftnode

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// Peer is one agent of the group. Addr is a host name or address with a port; it stays text and is resolved each time it is dialled.
type Peer struct {
	ID   string
	Addr string
}

// Timing are the Raft timeouts; zero fields take the defaults (1 s, or 100 ms for a group of one).
type Timing struct {
	Heartbeat, Election, Lease time.Duration
}

// Options says who the node is and where its peers are.
type Options struct {
	ID            string
	Listen        string // address to listen on; "" is the node's own address in Peers
	Peers         []Peer // the whole group, this node included; empty is a group of one, which needs neither address nor TLS
	Dir           string // log, votes and snapshots
	TLS           *TLS   // required when there are other peers
	FSM           FSM
	Handler       Handler // answers Call of other agents; may be nil
	Log           *slog.Logger
	Timing        Timing
	WriteDeadline time.Duration // a log write that takes longer ends the process; 0 is 10 s
	SnapshotEvery uint64        // entries between snapshots; 0 is 1024
	Fatal         func(error)   // ends the process and should not return; nil logs and exits
}

// Node is a running member of the group.
type Node struct {
	opts  Options
	raft  *raft.Raft
	store *guardedStore
	fsm   *fsmAdapter
	net   *network
	trans *raft.NetworkTransport
	close sync.Once
	done  error
}

// name is what ids and cluster names may look like: they stand in certificates and file names.
var name = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// New opens the node's disk, listens, and takes part in the group from then on.
func New(o Options) (*Node, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	n := &Node{opts: o}
	if err := n.open(); err != nil {
		_ = n.Close()
		return nil, err
	}
	return n, nil
}

// check fills the defaults and refuses options that cannot work.
func (o *Options) check() error {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Fatal == nil {
		o.Fatal = func(err error) {
			o.Log.Error("the agent ends: its replicated state cannot be trusted any more", "error", err)
			os.Exit(70)
		}
	}
	if o.WriteDeadline == 0 {
		o.WriteDeadline = 10 * time.Second
	}
	if o.SnapshotEvery == 0 {
		o.SnapshotEvery = 1024
	}
	if len(o.Peers) == 0 {
		o.Peers = []Peer{{ID: o.ID}}
	}
	seen := map[string]bool{}
	for _, p := range o.Peers {
		if !name.MatchString(p.ID) || seen[p.ID] {
			return fmt.Errorf("agent id %q is given twice or is not of letters, digits, dots, dashes and underscores", p.ID)
		}
		if p.Addr == "" && len(o.Peers) > 1 {
			return fmt.Errorf("agent %q has no address", p.ID)
		}
		seen[p.ID] = true
	}
	switch {
	case !seen[o.ID]:
		return fmt.Errorf("agent %q is not among the peers", o.ID)
	case len(o.Peers) > 1 && o.TLS == nil:
		return errors.New("agents of one cluster talk over TLS only: certificate, key and CA are missing")
	}
	return nil
}

// open does the work of New; Close undoes any part of it.
func (n *Node) open() error {
	o := n.opts
	if err := claimDir(o.Dir, o.ID); err != nil {
		return err
	}
	store, err := openStore(filepath.Join(o.Dir, "raft.db"), o.WriteDeadline, o.Fatal)
	if err != nil {
		return err
	}
	n.store = store
	logger := hclogger{log: o.Log}
	snaps, err := raft.NewFileSnapshotStoreWithLogger(o.Dir, 3, logger)
	if err != nil {
		return fmt.Errorf("open the snapshots in %q: %w", o.Dir, err)
	}
	if n.net, err = listen(o); err != nil {
		return err
	}
	n.trans = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: n.net, MaxPool: 2, Timeout: 10 * time.Second, Logger: logger,
		MaxRPCsInFlight: 1, // no pipeline: it wedges after a follower's disk stalls
	})
	conf := o.raftConfig(logger)
	if err := bootstrap(conf, o.Peers, store, snaps, n.trans); err != nil {
		return err
	}
	n.fsm = newFSMAdapter(o.FSM, o.Fatal)
	if n.raft, err = raft.NewRaft(conf, n.fsm, store, store, snaps, n.trans); err != nil {
		return fmt.Errorf("start raft: %w", err)
	}
	return nil
}

// raftConfig sets what differs from the library's defaults. Pre-vote is on by default.
func (o *Options) raftConfig(logger hclogger) *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(o.ID)
	c.Logger = logger
	c.NoLegacyTelemetry = true
	c.SnapshotThreshold = o.SnapshotEvery
	c.TrailingLogs = 4 * o.SnapshotEvery
	c.SnapshotInterval = 30 * time.Second
	if len(o.Peers) == 1 {
		c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = 100*time.Millisecond, 100*time.Millisecond, 50*time.Millisecond
	}
	if t := o.Timing; t.Heartbeat > 0 {
		c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = t.Heartbeat, max(t.Election, t.Heartbeat), t.Heartbeat/2
		if t.Lease > 0 {
			c.LeaderLeaseTimeout = t.Lease
		}
	}
	return c
}

// claimDir makes the folder and keeps the agent's id in it: a disk that was given to another agent is refused.
func claimDir(dir, id string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the cluster folder: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil { // log and snapshots hold password verifiers
		return fmt.Errorf("protect the cluster folder: %w", err)
	}
	path := filepath.Join(dir, "agent-id")
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return os.WriteFile(path, []byte(id+"\n"), 0o600)
	case err != nil:
		return fmt.Errorf("read the agent's id: %w", err)
	case strings.TrimSpace(string(b)) != id:
		return fmt.Errorf("the cluster folder %q belongs to agent %q, not %q", dir, strings.TrimSpace(string(b)), id)
	}
	return nil
}

// bootstrap writes the first configuration into an empty log: the same on every node, as the peers are known in advance.
// A server's Raft address is its id; the network layer knows where ids live, so that addresses may change without Raft.
func bootstrap(conf *raft.Config, peers []Peer, store *guardedStore, snaps raft.SnapshotStore, trans raft.Transport) error {
	has, err := raft.HasExistingState(store, store, snaps)
	if err != nil {
		return fmt.Errorf("read the raft log: %w", err)
	}
	if has {
		return nil
	}
	var c raft.Configuration
	for _, p := range peers {
		c.Servers = append(c.Servers, raft.Server{Suffrage: raft.Voter, ID: raft.ServerID(p.ID), Address: raft.ServerAddress(p.ID)})
	}
	if err := raft.BootstrapCluster(conf, store, store, snaps, trans, c); err != nil {
		return fmt.Errorf("write the first raft configuration: %w", err)
	}
	return nil
}

// Close hands leadership over, within 3 seconds, and stops. It may be called more than once.
func (n *Node) Close() error {
	n.close.Do(func() { n.done = n.shutdown(true) })
	return n.done
}

// Abandon stops as abruptly as a crash: tests of what survives use it.
func (n *Node) Abandon() {
	n.close.Do(func() { n.done = n.shutdown(false) })
}

// shutdown stops everything in the order in which it depends on one another. Without handover it is as abrupt as a crash.
func (n *Node) shutdown(handover bool) error {
	var errs []error
	if n.raft != nil {
		if handover && len(n.opts.Peers) > 1 && n.raft.State() == raft.Leader {
			f := n.raft.LeadershipTransfer()
			_ = waitFuture(f, 3*time.Second) // nobody to hand over to is no reason not to stop
		}
		errs = append(errs, n.raft.Shutdown().Error())
	} else if n.trans != nil {
		errs = append(errs, n.trans.Close())
	}
	if n.net != nil {
		n.net.stop()
	}
	if n.store != nil {
		errs = append(errs, n.store.close())
	}
	return errors.Join(errs...)
}

// waitFuture waits for a future for so long.
func waitFuture(f raft.Future, d time.Duration) error {
	ch := make(chan error, 1)
	go func() { ch <- f.Error() }()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case err := <-ch:
		return err
	case <-t.C:
		return errors.New("timed out")
	}
}
