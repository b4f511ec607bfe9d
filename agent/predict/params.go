package predict

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"foreshadow/sql/sqlerr"
)

// Params are the models' parameters in force.
type Params struct {
	Level        float64       // of the intervals of load forecasts, in percent
	Seasons      []int         // season lengths of hourly series, in hours; nil is those found in each
	Horizon      time.Duration // of volume forecasts
	LoadHorizon  time.Duration
	LimitHorizon time.Duration // how far ahead limits are looked for
	MinHistory   time.Duration // a statement with less has its share of the whole load forecast instead
	Quantile     float64       // of the forecast that an instance is built at, unless its statement says otherwise
	Origins      int           // earlier origins at which models are tried
	Buckets      int           // trailing minutes from which the coming changes are expected
	SchemaWithin time.Duration // within which changes of the schema have their probability
}

// parameter is one row of the table of parameters: its default and how its text is read.
type parameter struct {
	name, text, model, about string
	read                     func(p *Params, text string) error
}

// parameters is the table of all parameters. A new one is one row here and one field of Params.
var parameters = []parameter{
	{"level", "95", "load", "level of the intervals in percent", float(func(p *Params) *float64 { return &p.Level }, 50, 99.9)},
	{"season", seasonsFound, "load", "season lengths in hours, or found in each series", readSeasons},
	{"load_horizon", "7 days", "load", "how far ahead load is forecast", span(func(p *Params) *time.Duration { return &p.LoadHorizon }, time.Hour, 28*day)},
	{"min_history", "48 hours", "load", "a statement with less history gets its share of the whole load", span(func(p *Params) *time.Duration { return &p.MinHistory }, time.Hour, 365*day)},
	{"origins", "5", "load", "earlier origins at which models are tried", whole(func(p *Params) *int { return &p.Origins }, 1, 20)},
	{"horizon", "90 days", "volume", "how far ahead volumes are forecast", span(func(p *Params) *time.Duration { return &p.Horizon }, day, 3650*day)},
	{"quantile", "0.5", "volume", "quantile of the forecast that an instance is built at", float(func(p *Params) *float64 { return &p.Quantile }, 0.01, 0.99)},
	{"limit_horizon", "1095 days", "limit", "how far ahead limits are looked for", span(func(p *Params) *time.Duration { return &p.LimitHorizon }, day, 3650*day)},
	{"change_window", "60", "changes", "trailing minutes from which the coming changes are expected", whole(func(p *Params) *int { return &p.Buckets }, 5, 1440)},
	{"schema_within", "90 days", "schema", "span of time within which changes of the schema have their probability", span(func(p *Params) *time.Duration { return &p.SchemaWithin }, day, 3650*day)},
}

// descriptions says of each model what it is.
var descriptions = map[string]string{
	"load":    "median of seasonal-lag regressions in a pool with naive and seasonal models, chosen by rolling origins",
	"volume":  "median of five robust extrapolations anchored at the last level",
	"limit":   "date at which the volume model reaches a maximum",
	"changes": "robust level of the trailing minutes",
	"schema":  "logistic hazard of each table, from other applications' histories and learning from its own, with the limits that will force a change",
}

// DefaultParams gives every parameter its default.
func DefaultParams() map[string]string {
	m := map[string]string{}
	for _, p := range parameters {
		m[p.name] = p.text
	}
	return m
}

// inForce lays values over the defaults, as text.
func inForce(values map[string]string) map[string]string {
	m := DefaultParams()
	maps.Copy(m, values)
	return m
}

// ValidateParams says what is wrong with values for parameters; names that are left out keep their defaults.
func ValidateParams(values map[string]string) error {
	_, err := readParams(values)
	return err
}

// readParams lays values over the defaults.
func readParams(values map[string]string) (Params, error) {
	var out Params
	for _, p := range parameters {
		if err := p.read(&out, p.text); err != nil {
			return out, fmt.Errorf("default of %q: %w", p.name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		i := slices.IndexFunc(parameters, func(p parameter) bool { return p.name == name })
		if i < 0 {
			return out, sqlerr.New(sqlerr.InvalidParameterValue, "unrecognized model parameter %q", name).WithHint("Known parameters are %s.", names())
		}
		if err := parameters[i].read(&out, strings.TrimSpace(values[name])); err != nil {
			return out, sqlerr.New(sqlerr.InvalidParameterValue, "invalid value for model parameter %q: %s", name, err).
				WithHint("It is the %s; its default is %s.", parameters[i].about, parameters[i].text)
		}
	}
	return out, nil
}

func names() string {
	var out []string
	for _, p := range parameters {
		out = append(out, p.name)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func float(field func(*Params) *float64, low, high float64) func(*Params, string) error {
	return func(p *Params, text string) error {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || !(v >= low && v <= high) {
			return fmt.Errorf("%q is not a number from %v to %v", text, low, high)
		}
		*field(p) = v
		return nil
	}
}

func whole(field func(*Params) *int, low, high int) func(*Params, string) error {
	return func(p *Params, text string) error {
		v, err := strconv.Atoi(text)
		if err != nil || v < low || v > high {
			return fmt.Errorf("%q is not a whole number from %d to %d", text, low, high)
		}
		*field(p) = v
		return nil
	}
}

func span(field func(*Params) *time.Duration, low, high time.Duration) func(*Params, string) error {
	return func(p *Params, text string) error {
		v, err := parseSpan(text)
		if err != nil || v < low || v > high {
			return fmt.Errorf("%q is not a span of time from %s to %s", text, spanText(low), spanText(high))
		}
		*field(p) = v
		return nil
	}
}

// units are the words that a span of time may use.
var units = map[string]time.Duration{"minute": time.Minute, "min": time.Minute, "hour": time.Hour, "h": time.Hour, "day": day, "d": day, "week": 7 * day, "month": 30 * day, "mon": 30 * day, "year": 365 * day}

// parseSpan reads texts such as 90 days, 2 weeks, 1 day 12 hours.
func parseSpan(text string) (time.Duration, error) {
	fields := strings.Fields(strings.ToLower(text))
	if len(fields) == 0 || len(fields)%2 != 0 {
		return 0, fmt.Errorf("%q is not a number and a unit", text)
	}
	var sum time.Duration
	for i := 0; i < len(fields); i += 2 {
		n, err := strconv.Atoi(fields[i])
		unit, known := units[strings.TrimSuffix(fields[i+1], "s")]
		if err != nil || !known || n < 0 || n > 100_000 {
			return 0, fmt.Errorf("%q is not a number and a unit", text)
		}
		sum += time.Duration(n) * unit
	}
	return sum, nil
}

// spanText writes a span in days or hours.
func spanText(d time.Duration) string {
	if d%day == 0 {
		return fmt.Sprintf("%d days", d/day)
	}
	return fmt.Sprintf("%d hours", d/time.Hour)
}

// seasonsFound is the value of season by which each series has the seasons that are found in it.
const seasonsFound = "found"

func readSeasons(p *Params, text string) error {
	var out []int
	if text == seasonsFound {
		p.Seasons = nil
		return nil
	}
	for _, part := range strings.Split(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || n < 2 || n > 8784 || len(out) == 3 {
			return fmt.Errorf("%q is neither \"found\" nor a list of at most three season lengths from 2 to 8784 hours", text)
		}
		out = append(out, n)
	}
	p.Seasons = out
	return nil
}
