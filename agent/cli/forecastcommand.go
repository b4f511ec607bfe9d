package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"

	"foreshadow/forecast/csvfile"
)

// seriesFlags are what forecast and backtest have in common.
type seriesFlags struct {
	Input   string  `help:"CSV file: wide (id,V1,V2,...; one series a line) or long (id,time,value); - is standard input." required:"" placeholder:"FILE"`
	Horizon int     `help:"Steps ahead." required:"" placeholder:"N"`
	Level   float64 `help:"Level of the interval in percent." default:"95"`
	Events  string  `help:"CSV file of known events, past and coming: name,start,end[,every]; an empty end is a change for good, such as a deployment." placeholder:"FILE"`
	Season  []int   `help:"Season lengths in steps, such as 24,168; those found in each series when empty." placeholder:"N"`
}

func (f seriesFlags) options() (ForecastOptions, error) {
	opt := ForecastOptions{Horizon: f.Horizon, Level: f.Level, Season: f.Season}
	if f.Events == "" {
		return opt, nil
	}
	file, err := os.Open(f.Events)
	if err != nil {
		return opt, fmt.Errorf("open events: %w", err)
	}
	defer file.Close()
	if opt.Events, err = csvfile.Events(file); err != nil {
		return opt, fmt.Errorf("read events: %w", err)
	}
	return opt, nil
}

// smallHeap is the garbage collector's percentage for these commands: a fifth more processor time keeps a thousand series in the memory that the program itself takes.
const smallHeap = 25

// open gives the input. The process does nothing else than forecast it, so its heap is kept small.
func (f seriesFlags) open(t terminal) (io.ReadCloser, error) {
	debug.SetGCPercent(smallHeap)
	if f.Input == "-" {
		return io.NopCloser(t.in), nil
	}
	file, err := os.Open(f.Input)
	if err != nil {
		return nil, fmt.Errorf("open input: %w", err)
	}
	return file, nil
}

type forecastCommand struct {
	seriesFlags `embed:""`
	Output      string `help:"File to write id,h,mean,lo,hi to; standard output when empty." placeholder:"FILE"`
}

// Run forecasts every series of the input. The output file appears whole or not at all.
func (c forecastCommand) Run(ctx context.Context, t terminal) error {
	opt, err := c.options()
	if err != nil {
		return err
	}
	in, err := c.open(t)
	if err != nil {
		return err
	}
	defer in.Close()
	if c.Output == "" {
		return Forecast(ctx, opt, in, t.out)
	}
	out, err := os.CreateTemp(filepath.Dir(c.Output), ".forecast-*")
	if err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	defer os.Remove(out.Name())
	err = errors.Join(Forecast(ctx, opt, in, out), out.Chmod(0o644), out.Close())
	if err != nil {
		return err
	}
	return os.Rename(out.Name(), c.Output)
}

type backtestCommand struct {
	seriesFlags `embed:""`
}

// Run prints the accuracy of each series' model on its own past.
func (c backtestCommand) Run(ctx context.Context, t terminal) error {
	opt, err := c.options()
	if err != nil {
		return err
	}
	in, err := c.open(t)
	if err != nil {
		return err
	}
	defer in.Close()
	return Backtest(ctx, opt, in, t.out)
}
