package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the build for releases.
var version = "0.1.0-dev"

type versionCommand struct{}

// Run prints the version and what the binary was built from.
func (versionCommand) Run(t terminal) error {
	revision := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = " " + s.Value
			}
		}
	}
	_, err := fmt.Fprintf(t.out, "foreshadow %s%s (%s, %s/%s)\n", version, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
