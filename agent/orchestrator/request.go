package orchestrator

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"foreshadow/sql/sqlerr"
)

// wanted is a request with its parameters read.
type wanted struct {
	fidelity, backend string
	quantile          float64
	ttl               span
	ttlSet            bool
	maxSize, memory   int64
	cpu, connections  int
	seed              int64
}

// parameter reads one parameter of CREATE or ALTER PREDICTIVE INSTANCE.
type parameter struct {
	name  string
	alter bool // may be changed later
	read  func(w *wanted, value string) error
}

// parameters is the closed list, in the order in which the hint names them.
var parameters = []parameter{
	{"fidelity", false, readFidelity},
	{"quantile", false, readQuantile},
	{"ttl", true, readTTL},
	{"max_size", true, readMaxSize},
	{"cpu", false, func(w *wanted, v string) error { return readInt(v, "cpu", 1, 1024, &w.cpu) }},
	{"memory", false, readMemory},
	{"connections", false, func(w *wanted, v string) error { return readInt(v, "connections", 1, 1000, &w.connections) }},
	{"seed", false, readSeed},
	{"backend", false, readBackend},
	{"apply", false, func(_ *wanted, v string) error { return unlessEmpty(v, "apply", "") }},
	{"load", false, func(_ *wanted, v string) error { return unlessEmpty(v, "load", "off") }},
}

// readParameters reads a WITH or SET list; unknown names and bad values are 22023.
func readParameters(params map[string]string, altering bool) (wanted, error) {
	w := wanted{fidelity: "full", backend: "local", quantile: 0.5, seed: 1}
	names := make([]string, 0, len(params))
	for name := range params {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		p := find(name)
		switch {
		case p == nil:
			return w, sqlerr.New(sqlerr.InvalidParameterValue, "unrecognized predictive instance parameter %q", name).WithHint("Parameters are: %s.", known(altering))
		case altering && !p.alter:
			return w, sqlerr.New(sqlerr.InvalidParameterValue, "parameter %q cannot be changed after creation", name).WithHint("Parameters that can be changed are: %s.", known(true))
		}
		if err := p.read(&w, strings.TrimSpace(params[name])); err != nil {
			return w, err
		}
	}
	return w, nil
}

// find looks a parameter up by its lower-case name.
func find(name string) *parameter {
	for i := range parameters {
		if parameters[i].name == name {
			return &parameters[i]
		}
	}
	return nil
}

// known lists the parameters for a hint.
func known(altering bool) string {
	var out []string
	for _, p := range parameters {
		if p.alter || !altering {
			out = append(out, p.name)
		}
	}
	return strings.Join(out, ", ")
}

// badValue is the error for a value that a parameter cannot take.
func badValue(name, value, hint string) error {
	return sqlerr.New(sqlerr.InvalidParameterValue, "invalid value for parameter %q: %q", name, value).WithHint("%s", hint)
}

// readFidelity accepts what can be built.
func readFidelity(w *wanted, v string) error {
	switch strings.ToLower(v) {
	case "full":
		w.fidelity = "full"
		return nil
	case "plan", "sample":
		return sqlerr.New(sqlerr.FeatureNotSupported, "fidelity %q is not available yet", v).WithHint("Use fidelity = full.")
	}
	return badValue("fidelity", v, "Available values: full.")
}

// readQuantile reads 0.9 and p90.
func readQuantile(w *wanted, v string) error {
	q, err := strconv.ParseFloat(strings.ToLower(strings.TrimPrefix(v, "p")), 64)
	if strings.HasPrefix(v, "p") {
		q /= 100
	}
	if err != nil || math.IsNaN(q) || q < 0.01 || q > 0.99 {
		return badValue("quantile", v, "A quantile lies between 0.01 and 0.99, such as 0.5 or 0.9.")
	}
	w.quantile = math.Round(q*10000) / 10000
	return nil
}

// readTTL reads a positive interval.
func readTTL(w *wanted, v string) error {
	s, err := parseSpan(v)
	start := time.Unix(0, 0).UTC()
	if err != nil || s.add(start).Sub(start) < time.Second {
		return badValue("ttl", v, "Give a positive interval, such as '7 days'.")
	}
	w.ttl, w.ttlSet = s, true
	return nil
}

// readMaxSize reads a size; the agent's own limit is checked later.
func readMaxSize(w *wanted, v string) error {
	n, err := parseSize(v)
	if err != nil || n < 1<<20 {
		return badValue("max_size", v, "Give a size of at least 1MB, such as '20GB'.")
	}
	w.maxSize = n
	return nil
}

// readMemory reads the memory that settings are derived from.
func readMemory(w *wanted, v string) error {
	n, err := parseSize(v)
	if err != nil || n < 64<<20 {
		return badValue("memory", v, "Give a size of at least 64MB, such as '1GB'.")
	}
	w.memory = n
	return nil
}

// readSeed reads the random seed.
func readSeed(w *wanted, v string) error {
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return badValue("seed", v, "The random seed is a whole number.")
	}
	w.seed = n
	return nil
}

// readBackend accepts what can be run.
func readBackend(w *wanted, v string) error {
	switch strings.ToLower(v) {
	case "local":
		return nil
	case "kubernetes":
		return sqlerr.New(sqlerr.FeatureNotSupported, "backend %q is not available yet", v).WithHint("Use backend = local.")
	}
	return badValue("backend", v, "Available values: local.")
}

// readInt reads a whole number within bounds.
func readInt(v, name string, low, high int, to *int) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < low || n > high {
		return badValue(name, v, "Give a whole number from "+strconv.Itoa(low)+" to "+strconv.Itoa(high)+".")
	}
	*to = n
	return nil
}

// unlessEmpty accepts a parameter that is known but whose work does not exist yet, only with the value that means no work.
func unlessEmpty(v, name, off string) error {
	if v == "" || strings.EqualFold(v, off) {
		return nil
	}
	return sqlerr.New(sqlerr.FeatureNotSupported, "parameter %q is not available yet", name).WithHint("Leave it out.")
}

// instanceName is an identifier that needs no quoting in SQL, so that it means the same everywhere.
var instanceName = regexp.MustCompile(`^[a-z_][a-z0-9_$]{0,62}$`)

// checkName refuses names that could not be a database's, or that mean another one.
func checkName(name string, reserved []string) error {
	if !instanceName.MatchString(name) {
		return sqlerr.New(sqlerr.InvalidName, "invalid name for a predictive instance: %q", name).
			WithHint("Use at most 63 lower-case letters, digits and underscores, starting with a letter.")
	}
	if slices.Contains([]string{"postgres", "template0", "template1", "foreshadow"}, name) || strings.HasPrefix(name, "pg_") {
		return sqlerr.New(sqlerr.InvalidName, "name %q is reserved", name).WithHint("Choose another name.")
	}
	if slices.Contains(reserved, name) {
		return sqlerr.New(sqlerr.DuplicateObject, "name %q is taken by a source database", name).WithHint("The database name of a connection chooses the source or the instance, so choose another name.")
	}
	return nil
}
