// Command foreshadow is the agent and its tools in one binary.
package main

import (
	"os"

	"foreshadow/agent/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
