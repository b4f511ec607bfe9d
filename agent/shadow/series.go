package shadow

import (
	"context"
	"math"
	"strings"
	"time"

	"foreshadow/forecast"
)

// side runs f in a transaction of a connection of its own, beside the log's writer. Only one runs at a time.
func (d *DB) side(f func(c *conn) error) error {
	d.sideMu.Lock()
	defer d.sideMu.Unlock()
	c, err := d.connect()
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.exec("BEGIN"); err != nil {
		return err
	}
	before := d.aside
	if err := f(c); err != nil {
		d.aside = before
		_ = c.exec("ROLLBACK")
		return err
	}
	return c.exec("COMMIT")
}

// AppendSamples stores measured values; a series is created when its first sample comes.
func (d *DB) AppendSamples(_ context.Context, samples []forecast.Sample) error {
	if len(samples) == 0 {
		return nil
	}
	return d.side(func(c *conn) error {
		if err := d.words(c, samples); err != nil {
			return err
		}
		w, err := newChunk(c, "points", []string{"VARCHAR", "TIMESTAMPTZ", "DOUBLE"})
		if err != nil {
			return err
		}
		defer w.close()
		for i := range samples {
			s := &samples[i]
			w.str(0, []byte(s.Series.ID))
			set(w, 1, s.At.UnixMicro())
			set(w, 2, s.Value)
			if err := w.next(); err != nil {
				return err
			}
		}
		if err := w.flush(); err != nil {
			return err
		}
		return d.noteAside(c, sampled, samples)
	})
}

// words stores what new series are about.
func (d *DB) words(c *conn, samples []forecast.Sample) error {
	rows, err := c.rows("SELECT id FROM series")
	if err != nil {
		return err
	}
	have := make(map[string]bool, len(rows))
	for _, r := range rows {
		have[r[0].(string)] = true
	}
	for i := range samples {
		s := &samples[i].Series
		if have[s.ID] {
			continue
		}
		have[s.ID] = true
		if err := c.exec("INSERT INTO series VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
			s.ID, s.Kind, s.Object, s.Measure, s.Unit, s.Source, s.Text, s.Step.Microseconds()); err != nil {
			return err
		}
	}
	return nil
}

// seriesSQL gives every series with its values by bucket of its own step, in the series' and the buckets' order.
const seriesSQL = `SELECT s.id, s.kind, s.object, s.measure, s.unit, s.source, s.text, s.step_us,
	floor(epoch_us(p.ts) / s.step_us)::BIGINT AS b, arg_max(p.value, p.ts), avg(p.value) FROM series s JOIN points p ON p.id = s.id AND s.step_us > 0
	WHERE ($1 = '' OR s.kind = $1) AND ($2 = '' OR s.object = $2) AND ($3 = '' OR s.id = $3) GROUP BY ALL ORDER BY s.id, b`

// maxPoints bounds one regularised series, so that a stray point of another age cannot fill the memory with missing values.
const maxPoints = 1_000_000

// Series gives stored series on their own regular step, sorted by ID: the mean of a bucket for rates, its last value otherwise, NaN where there is none.
func (d *DB) Series(_ context.Context, f forecast.SeriesFilter) ([]forecast.Series, error) {
	c, err := d.connect()
	if err != nil {
		return nil, err
	}
	defer c.close()
	rows, err := c.rows(seriesSQL, f.Kind, f.Object, f.ID)
	if err != nil {
		return nil, err
	}
	var out []forecast.Series
	for _, r := range rows {
		id, step, b := r[0].(string), time.Duration(r[7].(int64))*time.Microsecond, r[8].(int64)
		if n := len(out); n == 0 || out[n-1].ID != id {
			out = append(out, forecast.Series{ID: id, Kind: r[1].(string), Object: r[2].(string), Measure: r[3].(string),
				Unit: r[4].(string), Source: r[5].(string), Text: r[6].(string), Step: step, Start: time.UnixMicro(b * step.Microseconds()).UTC()})
		}
		s := &out[len(out)-1]
		at := b - s.Start.UnixMicro()/step.Microseconds()
		if at >= maxPoints {
			continue
		}
		for int64(len(s.Values)) < at {
			s.Values = append(s.Values, math.NaN())
		}
		v, ok := r[9].(float64)
		if rate(s) {
			v, ok = r[10].(float64)
		}
		if !ok {
			v = math.NaN()
		}
		s.Values = append(s.Values, v)
	}
	return out, nil
}

// rate says that a series measures a speed, whose value over a bucket is its mean.
func rate(s *forecast.Series) bool {
	return strings.Contains(s.Unit, "/") || strings.HasSuffix(s.Measure, "_per_sec") || s.Kind == "host"
}
