// Package orchestrator turns a predicted state into a running PostgreSQL server: it plans an instance, builds it after
// approval, keeps it within its limits, lets clients in and removes it. The engine plans and dials through it, the
// cluster's executor creates, alters and drops. It must not decide whether something was approved, and never touches the primary.
package orchestrator

import (
	"context"
	"time"

	"foreshadow/agent/change"
	"foreshadow/forecast"
	"foreshadow/sql/result"
)

// InstanceConfig is the whole plan of an instance: what approvers approve and what Create builds. Its JSON is canonical
// (fixed field order, sorted lists, whole numbers, UTC seconds), because it is hashed.
type InstanceConfig struct {
	Name                 string               `json:"name"`
	Source               string               `json:"source"`
	Backend              string               `json:"backend"`
	PlannedAt            time.Time            `json:"planned_at"`
	Horizon              time.Time            `json:"horizon"`
	TTLSeconds           int64                `json:"ttl_seconds"`
	ForecastRun          int64                `json:"forecast_run"`
	InstanceSize         InstanceSize         `json:"instance_size"`
	StorageCapacity      StorageCapacity      `json:"storage_capacity"`
	NetworkConfiguration NetworkConfiguration `json:"network_configuration"`
	DataSeed             DataSeed             `json:"data_seed"`
	Cost                 Cost                 `json:"cost"`
}

// InstanceSize is the processor and memory an instance may use and the server settings derived from them.
type InstanceSize struct {
	CPU      int               `json:"cpu"`
	Memory   int64             `json:"memory_bytes"`
	Settings map[string]string `json:"settings"`
}

// StorageCapacity is what the instance is expected to take on disk and where it is stopped.
type StorageCapacity struct {
	Estimate int64 `json:"estimate_bytes"`
	Max      int64 `json:"max_bytes"`
}

// NetworkConfiguration says how the instance is reached. It never listens beyond a unix socket.
type NetworkConfiguration struct {
	Listen         string `json:"listen"`
	Database       string `json:"database"`
	MaxConnections int    `json:"max_connections"`
}

// DataSeed says which rows the instance starts from and how they grow.
type DataSeed struct {
	Source     string        `json:"source"`
	LSN        string        `json:"lsn"`
	Fidelity   string        `json:"fidelity"`
	Quantile   float64       `json:"quantile"`
	RandomSeed int64         `json:"random_seed"`
	Growth     []TableGrowth `json:"growth"` // sorted by relation; a table that is missing keeps its rows
}

// TableGrowth is the projected size of one table at the asked quantile. RowsNow is what the forecast saw, for the reader; Rows is built.
type TableGrowth struct {
	Relation string `json:"relation"`
	RowsNow  int64  `json:"rows_now"`
	Rows     int64  `json:"rows"`
	Bytes    int64  `json:"bytes"`
}

// Cost is what the instance takes: the approvers' view of the price.
type Cost struct {
	Rows         int64 `json:"rows"`
	DiskBytes    int64 `json:"disk_bytes"`
	MemoryBytes  int64 `json:"memory_bytes"`
	BuildSeconds int64 `json:"build_seconds"`
}

// Predictor forecasts the primary's state.
type Predictor interface {
	PredictedState(ctx context.Context, horizon time.Time) (forecast.PredictedState, error)
}

// Store gives the rows of the source as they were at a position.
type Store interface {
	Relations(ctx context.Context) ([]change.Relation, error)
	Position(ctx context.Context) (change.LSN, time.Time, error)
	Rows(ctx context.Context, oid uint32, asOf change.LSN) (result.Rows, error)
}

// History is implemented by a Store that can tell the position of a past moment; AS OF needs it.
type History interface {
	LSNAt(ctx context.Context, at time.Time) (change.LSN, error)
}

// Pinner is implemented by a Store whose past expires: what is pinned stays while an instance is filled from it.
type Pinner interface {
	Pin(ctx context.Context, name string, at change.LSN) error
	Unpin(ctx context.Context, name string) error
}

// Schema gives the dump of a source's schema as files for psql: roles, then pre-data, then (after the rows) post-data. The
// files are copied at once, so they may vanish later. An empty path is skipped.
type Schema interface {
	SchemaDump(ctx context.Context, source string) (roles, pre, post string, err error)
}

// Request asks for a plan. Exactly one of Horizon and AsOf may be set; with neither, the instance is the source as it is now.
type Request struct {
	Name    string
	Source  string
	Horizon string    // a PostgreSQL interval, such as "90 days"
	AsOf    time.Time // a past moment
	AsOfLSN change.LSN
	Params  map[string]string // of WITH: fidelity, quantile, ttl, max_size, cpu, memory, connections, seed, backend, apply, load
	Now     time.Time         // zero = the clock
}

// Instance is one row of foreshadow.instances.
type Instance struct {
	Name, State, Source, Fidelity string
	Horizon                       time.Time // zero when none
	AsOfLSN                       string
	RequestID                     int64
	SizeBytes, MaxSize            int64
	CreatedAt, ExpiresAt          time.Time
	Message                       string
	Connections                   int
}

// Operation is one row of foreshadow.operations.
type Operation struct {
	Operation, Object, Phase string
	Done, Total              int64
	Unit                     string
	StartedAt, UpdatedAt     time.Time
	Finished                 bool
	Message                  string
}

// ReportRow is one row of foreshadow.instance_reports. Counts are -1 where they say nothing.
type ReportRow struct {
	Name          string `json:"name"`
	Relation      string `json:"relation"`
	SourceRows    int64  `json:"source_rows"`
	ProjectedRows int64  `json:"projected_rows"`
	ActualRows    int64  `json:"actual_rows"`
	SizeBytes     int64  `json:"size_bytes"`
	CheckName     string `json:"check_name"`
	Result        string `json:"result"`
}

// The states of an instance.
const (
	Planned  = "planned"
	Building = "building"
	Ready    = "ready"
	Failed   = "failed" // nothing is left of it but this record, which explains why
	Dropping = "dropping"
)
