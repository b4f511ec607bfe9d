// Package cli holds the commands of the foreshadow binary, one file each. main calls Main.
// A command turns flags into options and calls the package that does the work; it decides nothing else.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"foreshadow/agent/config"
	"foreshadow/sql/sqlerr"
)

const about = `Foreshadow runs beside a PostgreSQL primary: it keeps every change, forecasts where the database is going,
and builds real servers in the state that is expected. Clients connect to it as to any PostgreSQL.`

type commands struct {
	Run       runCommand       `cmd:"" help:"Run the agent beside a primary."`
	Dev       devCommand       `cmd:"" help:"Run an agent for trying out, everything made for you."`
	Check     checkCommand     `cmd:"" help:"Say what a primary lacks for capture, with the statement that mends it."`
	Verify    verifyCommand    `cmd:"" help:"Compare a running agent's shadow with its primary."`
	Forecast  forecastCommand  `cmd:"" help:"Forecast the series of a CSV file."`
	Backtest  backtestCommand  `cmd:"" help:"Measure the forecasts of a CSV file's series on their own past."`
	Import    importCommand    `cmd:"" help:"Hand history to an agent."`
	Init      initCommand      `cmd:"" help:"Make the certificates and settings of several agents that decide together."`
	Rebuild   rebuildCommand   `cmd:"" help:"Make the shadow's database file anew from its sealed segments."`
	Passwd    passwdCommand    `cmd:"" help:"Add a login to a users file, or change its password."`
	Version   versionCommand   `cmd:"" help:"Print the version."`
	Calibrate calibrateCommand `cmd:"" help:"Measure this host, for the durations that EXPLAIN RISK tells."`
}

// terminal is what a command reads from and writes to.
type terminal struct {
	in       io.Reader
	out, err io.Writer
}

// failure ends a command with its message already printed.
type failure struct{ code int }

func (f failure) Error() string { return fmt.Sprintf("exit status %d", f.code) }

// Main runs one command and returns the exit status: 0 done, 1 the command's own no or an error, 2 a wrong call.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signals()
	defer stop()
	exit := -1
	var c commands
	parser, err := kong.New(&c, kong.Name("foreshadow"), kong.Description(about), kong.DefaultEnvars("FORESHADOW"),
		kong.Writers(out, errOut), kong.Exit(func(code int) { exit = code }), kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		fmt.Fprintln(errOut, "foreshadow:", err)
		return 2
	}
	if file := settingsFile(args); file != "" {
		if err := useFile(parser, file); err != nil {
			fmt.Fprintln(errOut, "foreshadow:", err)
			return 2
		}
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if exit >= 0 { // --help
		return exit
	}
	if err != nil {
		fmt.Fprintf(errOut, "foreshadow: %v\n(foreshadow --help lists the commands and flags)\n", err)
		return 2
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	return status(parsed.Run(terminal{in, out, errOut}), errOut)
}

// status prints an error as a person should read it and gives the exit status.
func status(err error, errOut io.Writer) int {
	var f failure
	var e *sqlerr.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &f):
		return f.code
	case errors.As(err, &e):
		fmt.Fprintln(errOut, "foreshadow:", e.Message)
		if e.Hint != "" {
			fmt.Fprintln(errOut, "hint:", e.Hint)
		}
	default:
		fmt.Fprintln(errOut, "foreshadow:", err)
	}
	return 1
}

// settingsFile finds --config before kong parses, since the file must be known by then.
func settingsFile(args []string) string {
	for i, a := range args {
		if a == "--config" && i+1 < len(args) {
			return args[i+1]
		}
		if rest, ok := strings.CutPrefix(a, "--config="); ok {
			return rest
		}
	}
	return os.Getenv("FORESHADOW_CONFIG")
}

func useFile(parser *kong.Kong, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("open settings file: %w", err)
	}
	defer f.Close()
	resolver, err := config.File(f)
	if err != nil {
		return err
	}
	return kong.Resolvers(resolver).Apply(parser)
}

// signals gives a context that SIGINT and SIGTERM end; a second signal exits at once.
func signals() (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	caught := make(chan os.Signal, 2)
	signal.Notify(caught, syscall.SIGINT, syscall.SIGTERM)
	stop := make(chan struct{})
	go func() {
		for n := 0; ; n++ {
			select {
			case <-caught:
				if n > 0 {
					os.Exit(130)
				}
				cancel()
			case <-stop:
				return
			}
		}
	}()
	return ctx, func() { signal.Stop(caught); close(stop); cancel() }
}

// logger makes the process's log from its settings.
func logger(s config.Log, w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(s.Level)) // the flag's enum allows only names that parse
	options := &slog.HandlerOptions{Level: level}
	if s.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
