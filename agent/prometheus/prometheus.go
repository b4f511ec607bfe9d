// Package prometheus reads the history of postgres_exporter and node_exporter out of a Prometheus, by its HTTP API, as samples of the agent's series.
// The import command calls it. It asks in chunks and only reads; where samples go is the caller's.
package prometheus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"foreshadow/forecast"
	"foreshadow/sql/sqlerr"
)

// Options say what is read from where. Header goes with every request, such as one for authorization. Database is the database's name as
// postgres_exporter has it; Postgres and Node are further label matchers, such as instance="db1:9187", for either exporter; Mountpoint is that of the
// primary's data. Retry is the first wait after an answer that may be better later; zero is a second.
type Options struct {
	URL        string
	Header     http.Header
	Client     *http.Client
	From, To   time.Time
	Database   string
	Postgres   string
	Node       string
	Mountpoint string
	Retry      time.Duration
	Progress   func(Progress)
}

// Progress says how far a reading is: Values of Series were found so far, in Done of Total spans of time.
type Progress struct {
	Series      string
	Done, Total time.Duration
	Values      int
}

// Read gives the samples of every series that there is history of to use, in the order of the table of sources and of time, and says of which there was none.
func Read(ctx context.Context, o Options, use func([]forecast.Sample) error) (missing []string, err error) {
	base, err := url.Parse(o.URL)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, sqlerr.New(sqlerr.InvalidParameterValue, "the address of Prometheus must be a URL such as http://prometheus:9090")
	}
	if base.User != nil {
		return nil, sqlerr.New(sqlerr.InvalidParameterValue, "the address of Prometheus holds a login").WithHint("Give it as --user and --password-file, or --token-file.")
	}
	if !o.From.Before(o.To) {
		return nil, sqlerr.New(sqlerr.InvalidParameterValue, "there is no time between %s and %s", o.From.Format(time.RFC3339), o.To.Format(time.RFC3339))
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 2 * time.Minute}
	}
	if o.Retry <= 0 {
		o.Retry = time.Second
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	c := &client{o: o, endpoint: base.JoinPath("api/v1/query_range").String()}
	for i := range sources {
		n, err := c.read(ctx, &sources[i], use)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", sources[i].id, err)
		}
		if n == 0 {
			missing = append(missing, sources[i].id)
		}
	}
	if len(missing) == len(sources) {
		return nil, sqlerr.New(sqlerr.UndefinedObject, "Prometheus has no history of database %q", o.Database).
			WithHint("Does it scrape postgres_exporter and node_exporter, and are the database's name and the selectors theirs?")
	}
	return missing, nil
}

// client asks one Prometheus.
type client struct {
	o        Options
	endpoint string
}

// read asks for one source chunk by chunk. A chunk that is too much for the server is asked for in smaller ones from then on.
func (c *client) read(ctx context.Context, s *source, use func([]forecast.Sample) error) (n int, err error) {
	from, to := c.o.From.Truncate(s.step), c.o.To.Truncate(s.step)
	chunk, query := chunkSteps*s.step, s.text(&c.o)
	for at := from; at.Before(to); {
		end := at.Add(chunk)
		if end.After(to) {
			end = to
		}
		found, err := c.ask(ctx, query, at.Add(s.step), end, s.step)
		if errors.Is(err, errTooMuch) && chunk > s.step {
			chunk = max((chunk / 2).Truncate(s.step), s.step)
			continue
		}
		if err != nil {
			return n, err
		}
		samples := s.samples(found)
		if len(samples) > 0 {
			if err := use(samples); err != nil {
				return n, err
			}
		}
		n, at = n+len(samples), end
		c.o.Progress(Progress{Series: s.id, Done: at.Sub(from), Total: to.Sub(from), Values: n})
	}
	return n, nil
}

// The bounds of a question: steps in a chunk, far below the 11,000 that Prometheus gives, bytes of an answer, and times to ask again.
const (
	chunkSteps = 720
	maxAnswer  = 256 << 20
	tries      = 5
)

// errTooMuch says that the server would have to load more samples than it may.
var errTooMuch = errors.New("the query loads too many samples")

// series is one of an answer.
type series struct {
	Metric map[string]string `json:"metric"`
	Values []value           `json:"values"`
}

// value is a point in time and a number, which JSON has as [seconds, "text"].
type value struct {
	at time.Time
	v  float64
}

// UnmarshalJSON reads Prometheus's form.
func (v *value) UnmarshalJSON(b []byte) error {
	var seconds float64
	var text string
	if err := json.Unmarshal(b, &[2]any{&seconds, &text}); err != nil {
		return err
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return err
	}
	v.at, v.v = time.UnixMilli(int64(math.Round(seconds*1000))).UTC(), n
	return nil
}

// answer is the form of all of Prometheus's answers.
type answer struct {
	Status    string `json:"status"`
	ErrorType string `json:"errorType"`
	Error     string `json:"error"`
	Data      struct {
		ResultType string   `json:"resultType"`
		Result     []series `json:"result"`
	} `json:"data"`
}

// ask runs a range query, again after a while when the server is busy or away.
func (c *client) ask(ctx context.Context, query string, from, to time.Time, step time.Duration) ([]series, error) {
	wait := &backoff.ExponentialBackOff{InitialInterval: c.o.Retry, RandomizationFactor: 0.2, Multiplier: 3, MaxInterval: 30 * time.Second}
	return backoff.Retry(ctx, func() ([]series, error) { return c.once(ctx, query, from, to, step) }, backoff.WithBackOff(wait), backoff.WithMaxTries(tries))
}

func (c *client) once(ctx context.Context, query string, from, to time.Time, step time.Duration) ([]series, error) {
	values := url.Values{"query": {query}, "start": {from.Format(time.RFC3339)}, "end": {to.Format(time.RFC3339)}, "step": {strconv.Itoa(int(step.Seconds()))}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.endpoint+"?"+values.Encode(), nil)
	if err != nil {
		return nil, backoff.Permanent(err)
	}
	if c.o.Header != nil {
		request.Header = c.o.Header.Clone()
	}
	response, err := c.o.Client.Do(request)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) { // its text has the whole question
			err = u.Err
		}
		return nil, sqlerr.New(sqlerr.ConnectionFailure, "Prometheus cannot be reached: %s", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return nil, sqlerr.New(sqlerr.ConnectionFailure, "Prometheus's answer broke off: %s", err)
	}
	if len(body) > maxAnswer {
		return nil, backoff.Permanent(errTooMuch)
	}
	return understand(response.StatusCode, body)
}

// understand reads an answer. Only what may be better later is not permanent.
func understand(status int, body []byte) ([]series, error) {
	var a answer
	err := json.Unmarshal(body, &a)
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return nil, backoff.Permanent(sqlerr.New(sqlerr.InvalidAuthorization, "Prometheus refuses the login (HTTP %d)", status).WithHint("Give --token-file, or --user and --password-file."))
	case status == http.StatusTooManyRequests || status >= 500:
		return nil, sqlerr.New(sqlerr.ConnectionFailure, "Prometheus cannot answer now (HTTP %d): %s", status, said(a, body))
	case err == nil && a.Status == "error" && a.ErrorType == "execution" && strings.Contains(a.Error, "too many samples"):
		return nil, backoff.Permanent(errTooMuch)
	case err == nil && a.Status == "error":
		return nil, backoff.Permanent(sqlerr.New(sqlerr.InvalidParameterValue, "Prometheus refuses the query (%s): %s", a.ErrorType, a.Error))
	case err != nil || a.Status != "success":
		return nil, backoff.Permanent(sqlerr.New(sqlerr.ProtocolViolation, "this is not Prometheus's answer (HTTP %d): %s", status, said(answer{}, body)).
			WithHint("The address is that of its web page, without /api."))
	case a.Data.ResultType != "matrix":
		return nil, backoff.Permanent(sqlerr.New(sqlerr.ProtocolViolation, "Prometheus answered with a %s and not with a matrix", a.Data.ResultType))
	}
	return a.Data.Result, nil
}

// said is what an answer tells, shortened.
func said(a answer, body []byte) string {
	if a.Error != "" {
		return a.Error
	}
	text := strings.Join(strings.Fields(string(body)), " ")
	return text[:min(len(text), 200)]
}
