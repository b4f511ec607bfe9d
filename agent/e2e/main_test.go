// Package e2e tries the real binary with the real psql and drivers, as a user would.
package e2e

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"foreshadow/agent/cli"
)

// TestMain lets the test binary stand in for foreshadow, so that agents run as processes of their own that can be killed.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"foreshadow":    func() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
		"client-pgx":    goClient(pgxClient),
		"client-lib-pq": goClient(libPQClient),
	})
}

// TestScripts runs the commands that need no agent: testdata/script/*.txtar.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata/script"})
}
