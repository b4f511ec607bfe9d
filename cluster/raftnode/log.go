package raftnode

import (
	"context"
	"io"
	"log"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// hclogger writes the library's log to slog, one level lower than the library thinks: what it calls an error (a peer that does not
// answer) is retried and needs nobody.
type hclogger struct {
	log  *slog.Logger
	name string
	args []any
}

// levels maps the library's levels.
var levels = map[hclog.Level]slog.Level{
	hclog.Trace: slog.LevelDebug - 4, hclog.Debug: slog.LevelDebug - 4, hclog.Info: slog.LevelDebug,
	hclog.Warn: slog.LevelInfo, hclog.Error: slog.LevelWarn,
}

// Log writes one record.
func (l hclogger) Log(level hclog.Level, msg string, args ...any) {
	to, ok := levels[level]
	if !ok {
		to = slog.LevelDebug
	}
	l.log.Log(context.Background(), to, msg, append(append([]any{"part", "raft"}, l.args...), args...)...)
}

// The rest of hclog.Logger, by way of Log.
func (l hclogger) Trace(msg string, args ...any) { l.Log(hclog.Trace, msg, args...) }
func (l hclogger) Debug(msg string, args ...any) { l.Log(hclog.Debug, msg, args...) }
func (l hclogger) Info(msg string, args ...any)  { l.Log(hclog.Info, msg, args...) }
func (l hclogger) Warn(msg string, args ...any)  { l.Log(hclog.Warn, msg, args...) }
func (l hclogger) Error(msg string, args ...any) { l.Log(hclog.Error, msg, args...) }
func (l hclogger) IsTrace() bool                 { return l.enabled(hclog.Trace) }
func (l hclogger) IsDebug() bool                 { return l.enabled(hclog.Debug) }
func (l hclogger) IsInfo() bool                  { return l.enabled(hclog.Info) }
func (l hclogger) IsWarn() bool                  { return l.enabled(hclog.Warn) }
func (l hclogger) IsError() bool                 { return l.enabled(hclog.Error) }
func (l hclogger) ImpliedArgs() []any            { return l.args }
func (l hclogger) Name() string                  { return l.name }
func (l hclogger) Named(name string) hclog.Logger {
	return hclogger{log: l.log, name: name, args: l.args}
}
func (l hclogger) ResetNamed(n string) hclog.Logger { return l.Named(n) }
func (l hclogger) SetLevel(hclog.Level)             {}
func (l hclogger) GetLevel() hclog.Level            { return hclog.Trace }
func (l hclogger) enabled(level hclog.Level) bool {
	return l.log.Enabled(context.Background(), levels[level])
}
func (l hclogger) StandardWriter(*hclog.StandardLoggerOptions) io.Writer { return io.Discard }

// With adds arguments to every record.
func (l hclogger) With(args ...any) hclog.Logger {
	return hclogger{log: l.log, name: l.name, args: append(append([]any{}, l.args...), args...)}
}

// StandardLogger gives a logger of the standard library that writes nowhere; the library does not use it.
func (l hclogger) StandardLogger(*hclog.StandardLoggerOptions) *log.Logger {
	return log.New(io.Discard, "", 0)
}
