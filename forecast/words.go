// Package forecast predicts series: query load, data volumes and limits, each with intervals and the backtest that chose the model.
// It is pure: data and time come as arguments, values go back; no clock, no database, no goroutine, fixed seeds.
// agent/predict and the command call it; it must not know where a series comes from.
package forecast

import "time"

// Series is an equally spaced series. Missing values are NaN. Values[i] belongs to Start + i*Step.
type Series struct {
	ID      string // unique, such as volume.rows:public.orders
	Kind    string // volume, load, host, limit, changes
	Object  string // the table, fingerprint or resource that it measures
	Measure string // rows, heap_bytes, calls, ...
	Unit    string
	Source  string // created_at, sample, change_log, import
	Text    string // what a person should see, such as a statement's text
	Start   time.Time
	Step    time.Duration
	Values  []float64
}

// End is the time just after the last value.
func (s Series) End() time.Time { return s.Start.Add(time.Duration(len(s.Values)) * s.Step) }

// Point is one forecast value with its interval at the run's level.
type Point struct {
	At           time.Time
	Mean, Lo, Hi float64
}

// Backtest says how the chosen model did on earlier origins of the same series.
type Backtest struct {
	Origins  int
	MASE     float64 // mean absolute error over the in-sample error of the seasonal naive
	Skill    float64 // 1 - error / error of the seasonal naive; at or below zero the model adds nothing
	Coverage float64 // share of actual values inside the interval
}

// Result is the forecast of one series with what chose it.
type Result struct {
	Series   Series // without Values
	Model    string
	Level    float64   // of the interval, in percent, such as 95
	From, To time.Time // training window
	Points   []Point
	Backtest Backtest
}

// Fan is a Result with the 10 %, 50 % and 90 % points beside each of its Points.
type Fan struct {
	Result
	Quantiles []Quantiles
}

// Basis says what a forecast without points of its own was made by, from which stretch of history, and how that did on earlier origins.
// It is empty where nothing was forecast.
type Basis struct {
	Model    string
	From, To time.Time
	Backtest Backtest
}

// Basis is what the result rests on.
func (r *Result) Basis() Basis { return Basis{r.Model, r.From, r.To, r.Backtest} }

// Run is one execution of the models over many series.
type Run struct {
	ID         int64
	StartedAt  time.Time
	Horizon    time.Duration
	Version    int64             // of the model parameters
	Parameters map[string]string // every one that was in force
	Results    []Result
	Limits     []Limit
	Schema     []SchemaChange
}

// Limit is a resource that will run out, with the dates at which it does. A zero date means beyond the horizon looked at.
type Limit struct {
	Kind          string // integer_key, sequence, disk, ...
	Object        string
	Current, Max  float64
	Unit          string
	P10, P50, P90 time.Time // P10 is the early date: one chance in ten that it comes sooner
	Note          string    // such as "no limit in sight"
	Basis         Basis
}

// Quantiles are the 10 %, 50 % and 90 % points of a prediction.
type Quantiles struct{ P10, P50, P90 float64 }

// TableVolume is the projected size of one table.
type TableVolume struct {
	Relation                 string
	Rows, Heap, Index, Toast Quantiles
	RowsNow                  float64
}

// QueryLoad is the anticipated load of one statement in one hour.
type QueryLoad struct {
	Fingerprint string
	Query       string
	At          time.Time
	CallsPerSec Quantiles
	MsPerSec    Quantiles
}

// SchemaChange is a change of the schema that is expected: with what probability it comes within a span of time, and when the next
// one comes. A zero date lies beyond what was looked at.
type SchemaChange struct {
	Relation, What string
	Probability    float64
	Within         time.Duration
	P10, P50, P90  time.Time // P10 is the early date
	Because        string
	Basis          Basis
}

// SchemaEvent is one change of a table's schema that happened. Kind is such as add_column or create_table; Object is the column, index or
// constraint, or the table's former name; Source is captured or imported.
type SchemaEvent struct {
	Relation, Kind, Object string
	At                     time.Time
	Source                 string
}

// PredictedState is what the primary is expected to be at a horizon.
type PredictedState struct {
	Horizon              time.Time
	AsOfLSN              string
	RunID                int64
	ProjectedDataVolume  []TableVolume
	AnticipatedQueryLoad []QueryLoad
	SchemaChanges        []SchemaChange
	RiskAssessment       []Limit
}
