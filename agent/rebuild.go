package agent

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"foreshadow/agent/change"
	"foreshadow/agent/config"
	"foreshadow/agent/shadow"
)

// Rebuild makes the shadow's DuckDB file anew from its segments, while no agent uses the data folder, and gives the position that it reaches.
func Rebuild(ctx context.Context, s *config.Settings, log *slog.Logger, progress func(shadow.Progress)) (change.LSN, error) {
	f, err := lock(s.Server.DataDir)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	o, err := shadowOptions(s, log)
	if err != nil {
		return 0, err
	}
	at, err := shadow.Rebuild(ctx, o, progress)
	if err != nil {
		return 0, fmt.Errorf("rebuild the shadow: %w", err)
	}
	return at, nil
}

// shadowOptions words the settings of the shadow.
func shadowOptions(s *config.Settings, log *slog.Logger) (shadow.Options, error) {
	o := shadow.Options{Dir: filepath.Join(s.Server.DataDir, "shadow"), MemoryLimit: s.Shadow.Memory, Threads: s.Shadow.Threads, Seal: s.Shadow.Seal, Log: log,
		KeepTables: map[string]shadow.Limit{}}
	var err error
	if o.Keep.Age, o.Keep.Bytes, err = config.ParseKeep(s.Shadow.Keep); err != nil {
		return o, err
	}
	for _, text := range s.Shadow.KeepTable {
		name, keep, _ := strings.Cut(text, "=")
		var l shadow.Limit
		if l.Age, l.Bytes, err = config.ParseKeep(keep); err != nil {
			return o, err
		}
		o.KeepTables[name] = l
	}
	return o, nil
}
