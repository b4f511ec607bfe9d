package orchestrator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"foreshadow/agent/orchestrator/local"
)

// record is what must outlive the process about one instance: a small file, replaced as a whole.
type record struct {
	State     string         `json:"state"`
	Config    InstanceConfig `json:"config"`
	Hash      string         `json:"hash"`
	RequestID int64          `json:"request_id"`
	CreatedAt time.Time      `json:"created_at"`
	ExpiresAt time.Time      `json:"expires_at"`
	MaxSize   int64          `json:"max_size"`
	SizeBytes int64          `json:"size_bytes"`
	Message   string         `json:"message"`
	Report    []ReportRow    `json:"report,omitempty"`
}

// recordPath is the file of one instance.
func (o *Orchestrator) recordPath(name string) string {
	return filepath.Join(o.opts.Dir, "records", name+".json")
}

// dataDir holds an instance's server.
func (o *Orchestrator) dataDir(name string) string { return filepath.Join(o.opts.Dir, "data", name) }

// save writes a record durably: temporary file, fsync, rename, fsync of the directory.
func (o *Orchestrator) save(r record) error {
	raw, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	path := o.recordPath(r.Config.Name)
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write record of instance %q: %w", r.Config.Name, err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// forget removes a record durably.
func (o *Orchestrator) forget(name string) error {
	if err := os.Remove(o.recordPath(name)); err != nil && !os.IsNotExist(err) {
		return err
	}
	return syncDir(filepath.Join(o.opts.Dir, "records"))
}

// syncDir makes a rename or removal durable.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// recover reads all records. What was ready or failed stays; what was being made or removed is removed, with its server
// and files, and a data directory without a record goes too. An approved request is built again by its executor.
func (o *Orchestrator) recover() error {
	entries, err := os.ReadDir(filepath.Join(o.opts.Dir, "records"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok {
			_ = os.Remove(filepath.Join(o.opts.Dir, "records", e.Name())) // a write that was cut off
			continue
		}
		raw, err := os.ReadFile(o.recordPath(name))
		if err != nil {
			return err
		}
		var r record
		if err := json.Unmarshal(raw, &r); err != nil {
			return fmt.Errorf("read record of instance %q: %w", name, err)
		}
		if r.State == Ready || r.State == Failed {
			o.instances[name] = &instance{record: r}
		}
	}
	return errors.Join(o.sweepData(), o.sweepRecords(entries))
}

// sweepData removes the servers and files that belong to no ready instance.
func (o *Orchestrator) sweepData() error {
	dirs, err := os.ReadDir(filepath.Join(o.opts.Dir, "data"))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var errs []error
	for _, d := range dirs {
		if i, ok := o.instances[d.Name()]; ok && i.record.State == Ready {
			continue
		}
		o.opts.Log.Warn("a half-built instance of an earlier run is removed", "instance", d.Name())
		errs = append(errs, local.Remove(ctx, o.serverOptions(d.Name(), nil)))
	}
	return errors.Join(errs...)
}

// sweepRecords removes the records whose files have just gone.
func (o *Orchestrator) sweepRecords(entries []os.DirEntry) error {
	var errs []error
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".json"); ok && o.instances[name] == nil {
			errs = append(errs, o.forget(name))
		}
	}
	return errors.Join(errs...)
}

// update changes a record under the lock and saves it.
func (o *Orchestrator) update(i *instance, change func(r *record)) error {
	o.mu.Lock()
	change(&i.record)
	r := i.record
	o.mu.Unlock()
	return o.save(r)
}

// serverOptions place an instance's server.
func (o *Orchestrator) serverOptions(name string, settings map[string]string) local.Options {
	return local.Options{Dir: o.dataDir(name), SocketDir: o.socketDir(name), BinDir: o.opts.BinDir, OSUser: o.opts.OSUser, Settings: settings, Log: o.opts.Log}
}
