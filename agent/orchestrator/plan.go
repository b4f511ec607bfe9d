package orchestrator

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"foreshadow/forecast"
	"foreshadow/sql/sqlerr"
)

// The figures behind estimates; builds and sizes are measured against them in the report.
const (
	emptyServer    = 64 << 20 // a data directory without user rows, with its log
	minMaxSize     = 1 << 30
	rowsPerSecond  = 120_000 // of a whole build, indexes and constraints included; a careful figure
	bytesPerRow    = 160     // where the forecast knows no bytes: a short row with its key
	longestHorizon = 20 * 366 * 24 * time.Hour
)

// Plan computes what a request would build, or says why it cannot be. It changes nothing.
func (o *Orchestrator) Plan(ctx context.Context, r Request) (InstanceConfig, error) {
	var c InstanceConfig
	if err := checkName(r.Name, o.reserved()); err != nil {
		return c, err
	}
	if o.taken(r.Name) {
		return c, sqlerr.New(sqlerr.DuplicateObject, "predictive instance %q already exists", r.Name).WithHint("Drop it first, or choose another name.")
	}
	w, err := readParameters(r.Params, false)
	if err != nil {
		return c, err
	}
	now := r.Now
	if now.IsZero() {
		now = o.opts.Now()
	}
	now = now.UTC().Truncate(time.Second)
	c = InstanceConfig{Name: r.Name, Source: r.Source, Backend: w.backend, PlannedAt: now, TTLSeconds: int64(o.opts.TTL / time.Second)}
	if w.ttlSet {
		c.TTLSeconds = int64(w.ttl.add(now).Sub(now) / time.Second)
	}
	c.DataSeed = DataSeed{Source: r.Source, Fidelity: w.fidelity, Quantile: w.quantile, RandomSeed: w.seed, Growth: []TableGrowth{}}
	if err := o.place(ctx, r, now, &c); err != nil {
		return c, err
	}
	if err := o.size(w, &c); err != nil {
		return c, err
	}
	return c, o.fits(c)
}

// place sets the seed's position, the horizon and the growth of each table.
func (o *Orchestrator) place(ctx context.Context, r Request, now time.Time, c *InstanceConfig) error {
	past := !r.AsOf.IsZero() || r.AsOfLSN != 0
	if past && r.Horizon != "" {
		return sqlerr.New(sqlerr.SyntaxError, "AT HORIZON and AS OF exclude each other")
	}
	lsn, _, err := o.opts.Store.Position(ctx)
	if err != nil {
		return fmt.Errorf("read position of the shadow: %w", err)
	}
	if r.AsOfLSN != 0 {
		lsn = r.AsOfLSN
	} else if past {
		if lsn, err = o.lsnAt(ctx, r.AsOf, now); err != nil {
			return err
		}
	}
	c.DataSeed.LSN = lsn.String()
	horizon := now
	if r.Horizon != "" {
		if horizon, err = readHorizon(r.Horizon, now); err != nil {
			return err
		}
	}
	state, err := o.opts.Predictor.PredictedState(ctx, horizon)
	switch {
	case err != nil && r.Horizon != "":
		return err
	case err != nil: // nothing grows, so the forecast only helps to estimate the size
		state = forecast.PredictedState{}
	}
	c.ForecastRun = state.RunID
	if r.Horizon != "" {
		c.Horizon = horizon
	}
	c.DataSeed.Growth = growth(state, c.DataSeed.Quantile, r.Horizon != "")
	if r.Horizon != "" && len(c.DataSeed.Growth) == 0 {
		return sqlerr.New(sqlerr.ObjectNotInState, "no forecast of data volumes is available yet").WithHint("Wait for the first forecast run; see foreshadow.forecast_runs.")
	}
	return nil
}

// readHorizon reads AT HORIZON; it must lie ahead and within what a forecast could mean.
func readHorizon(text string, now time.Time) (time.Time, error) {
	s, err := parseSpan(text)
	if err != nil {
		return now, sqlerr.New(sqlerr.InvalidDatetime, "%s", err.Error()).WithHint("A horizon is an interval, such as '90 days'.")
	}
	at := s.add(now)
	if !at.After(now) {
		return now, sqlerr.New(sqlerr.InvalidParameterValue, "the horizon %q does not lie in the future", text).WithHint("Use AS OF for the past.")
	}
	if at.Sub(now) > longestHorizon {
		return now, sqlerr.New(sqlerr.InvalidParameterValue, "the horizon %q is too far away", text).WithHint("The longest horizon is 20 years.")
	}
	return at, nil
}

// growth takes each table's projected rows and bytes at a quantile. Without a horizon the rows are left out: tables stay as they are.
func growth(state forecast.PredictedState, q float64, ahead bool) []TableGrowth {
	out := []TableGrowth{}
	for _, v := range state.ProjectedDataVolume {
		g := TableGrowth{Relation: v.Relation, RowsNow: whole(v.RowsNow), Rows: whole(v.RowsNow)}
		if ahead {
			g.Rows = whole(at(v.Rows, q))
		}
		g.Bytes = whole(at(v.Heap, q) + at(v.Index, q) + at(v.Toast, q))
		if g.Bytes == 0 {
			g.Bytes = g.Rows * bytesPerRow
		}
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b TableGrowth) int { return strings.Compare(a.Relation, b.Relation) })
	return slices.CompactFunc(out, func(a, b TableGrowth) bool { return a.Relation == b.Relation })
}

// at reads a quantile off three known ones: a normal distribution on each side of the median.
func at(p forecast.Quantiles, q float64) float64 {
	const z90 = 1.2815515655446004
	z := math.Sqrt2 * math.Erfinv(2*q-1) / z90
	if z >= 0 {
		return p.P50 + (p.P90-p.P50)*z
	}
	return p.P50 + (p.P50-p.P10)*z
}

// whole makes a count of a projection; nothing is ever negative.
func whole(v float64) int64 {
	if math.IsNaN(v) || v <= 0 {
		return 0
	}
	return int64(math.Round(math.Min(v, math.MaxInt64/4)))
}

// size derives storage, processor, memory and settings.
func (o *Orchestrator) size(w wanted, c *InstanceConfig) error {
	var rows int64
	estimate := int64(emptyServer)
	for _, g := range c.DataSeed.Growth {
		rows += g.Rows
		estimate += g.Bytes
	}
	limit := w.maxSize
	if limit == 0 {
		limit = min(max(minMaxSize, 2*estimate), o.opts.MaxSize)
	}
	if limit > o.opts.MaxSize {
		return sqlerr.New(sqlerr.InvalidParameterValue, "max_size of %s is above the agent's limit of %s", pretty(limit), pretty(o.opts.MaxSize))
	}
	c.StorageCapacity = StorageCapacity{Estimate: estimate, Max: limit}
	cpu := w.cpu
	if cpu == 0 {
		cpu = o.opts.CPU
	}
	memory := w.memory
	if memory == 0 {
		memory = min(max(estimate/4, 256<<20), o.opts.Memory)
	}
	connections := w.connections
	if connections == 0 {
		connections = o.opts.MaxConnections
	}
	memory = memory >> 20 << 20
	c.InstanceSize = InstanceSize{CPU: cpu, Memory: memory, Settings: settings(cpu, memory, connections)}
	c.NetworkConfiguration = NetworkConfiguration{Listen: "unix socket", Database: c.Name, MaxConnections: connections}
	c.Cost = Cost{Rows: rows, DiskBytes: estimate, MemoryBytes: memory, BuildSeconds: 4 + rows/rowsPerSecond}
	return nil
}

// settings are the server settings that follow from processor, memory and connections.
func settings(cpu int, memory int64, connections int) map[string]string {
	mb := func(n int64) string { return strconv.FormatInt(max(n>>20, 1), 10) + "MB" }
	return map[string]string{
		"shared_buffers":                   mb(memory / 4),
		"effective_cache_size":             mb(memory * 3 / 4),
		"maintenance_work_mem":             mb(min(max(memory/8, 32<<20), 1<<30)),
		"work_mem":                         mb(max(memory/int64(4*connections), 4<<20)),
		"max_connections":                  strconv.Itoa(connections + 10), // ten for ourselves
		"max_worker_processes":             strconv.Itoa(cpu + 4),
		"max_parallel_workers":             strconv.Itoa(cpu),
		"max_parallel_workers_per_gather":  strconv.Itoa(max(1, cpu/2)),
		"max_parallel_maintenance_workers": strconv.Itoa(max(1, cpu/2)),
		"temp_file_limit":                  "20GB",
	}
}

// fits refuses an instance larger than its limit or than the disk.
func (o *Orchestrator) fits(c InstanceConfig) error {
	need, limit := c.StorageCapacity.Estimate, c.StorageCapacity.Max
	if need > limit {
		return sqlerr.New(sqlerr.ConfigurationLimit, "predictive instance %q would take about %s, more than its max_size of %s", c.Name, pretty(need), pretty(limit)).
			WithHint("Raise max_size, or ask for a nearer horizon or a lower quantile.")
	}
	free, err := o.opts.FreeDisk()
	if err != nil {
		return fmt.Errorf("read free disk space: %w", err)
	}
	peak := need + need/4 + diskReserve // sorts while indexes are built
	if peak > free {
		return sqlerr.New(sqlerr.DiskFull, "predictive instance %q would need about %s while it is built, but only %s of disk space is free", c.Name, pretty(peak), pretty(free)).
			WithHint("Free disk space, drop another instance, or ask for a nearer horizon or a lower quantile.")
	}
	return nil
}

// JSON is the canonical form: what is hashed and approved.
func (c InstanceConfig) JSON() (json.RawMessage, error) { return json.Marshal(c) }

// ParseConfig reads a canonical plan back; unknown fields are an error, since they would not be built.
func ParseConfig(raw json.RawMessage) (InstanceConfig, error) {
	var c InstanceConfig
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return c, fmt.Errorf("read instance plan: %w", err)
	}
	return c, nil
}
