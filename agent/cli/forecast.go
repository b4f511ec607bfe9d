package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"text/tabwriter"

	"golang.org/x/sync/errgroup"

	"foreshadow/forecast"
	"foreshadow/forecast/csvfile"
	"foreshadow/forecast/load"
)

// ForecastOptions are what forecast and backtest on a CSV file can be told.
type ForecastOptions struct {
	Horizon int              // steps ahead, at least 1
	Level   float64          // of the interval in percent; 0 is 95
	Events  []forecast.Event // known events, past and coming; series must then have times
	Season  []int            // season lengths in steps; nil finds those of each series; the wide shape has hours
}

// Forecast reads series from in, forecasts each and writes id,h,mean,lo,hi to out. Nothing is written when a series cannot be forecast.
func Forecast(ctx context.Context, opt ForecastOptions, in io.Reader, out io.Writer) error {
	results, err := forecastAll(ctx, opt, in)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(out)
	if err := csvfile.Write(w, results); err != nil {
		return err
	}
	return w.Flush()
}

// Backtest reads series from in and prints how the chosen model of each did at earlier origins of the same series, with the mean of all at the end.
func Backtest(ctx context.Context, opt ForecastOptions, in io.Reader, out io.Writer) error {
	results, err := forecastAll(ctx, opt, in)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "series\tpoints\tmodel\torigins\tMASE\tskill\tcoverage %g %%\n", results[0].Level)
	var mase, skill, coverage mean
	for _, r := range results {
		b := r.Backtest
		fmt.Fprintf(w, "%s\t%d\t%s\t%d\t%s\t%s\t%s\n", r.Series.ID, int(r.To.Sub(r.From)/r.Series.Step), r.Model, b.Origins, figure(b.MASE), figure(b.Skill), figure(b.Coverage))
		mase.add(b.MASE)
		skill.add(b.Skill)
		coverage.add(b.Coverage)
	}
	fmt.Fprintf(w, "all (%d series)\t\t\t\t%s\t%s\t%s\n", len(results), figure(mase.value()), figure(skill.value()), figure(coverage.value()))
	fmt.Fprintln(w, "\nMASE: error over the in-sample error of repeating the last season. skill: share by which the error is below that of repeating")
	fmt.Fprintln(w, "the last season at the same origins; at or below zero the model adds nothing. coverage: share of actual values inside the interval.")
	return w.Flush()
}

// forecastAll forecasts the series of a CSV file on all processors as they are read, and gives the results in the file's order.
func forecastAll(ctx context.Context, opt ForecastOptions, in io.Reader) ([]*forecast.Result, error) {
	var results []*forecast.Result
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	err := csvfile.Each(in, func(s forecast.Series) error {
		if len(opt.Events) > 0 && s.Start.IsZero() {
			return errors.New("events need series with times, in the shape id,time,value")
		}
		r := new(forecast.Result)
		results = append(results, r)
		group.Go(func() (err error) {
			*r, err = load.Forecast(s, opt.Horizon, load.Options{Level: opt.Level, Seasons: opt.Season, Events: opt.Events})
			return err
		})
		return ctx.Err()
	})
	if failed := group.Wait(); failed != nil {
		return nil, failed
	}
	if err != nil {
		return nil, fmt.Errorf("read input: %w", err)
	}
	return results, nil
}

// mean averages figures, leaving out those that are not known.
type mean struct{ sum, n float64 }

func (m *mean) add(v float64) {
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		m.sum += v
		m.n++
	}
}

func (m *mean) value() float64 { return m.sum / m.n }

// figure writes a measure, or a dash where it is not known.
func figure(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "-"
	}
	return fmt.Sprintf("%.3f", v)
}
