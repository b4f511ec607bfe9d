package config

import (
	"os"

	"github.com/alecthomas/kong"
)

// fromEnvironment says whether one of a flag's variables is set.
func fromEnvironment(flag *kong.Flag) bool {
	for _, name := range flag.Envs {
		if _, ok := os.LookupEnv(name); ok {
			return true
		}
	}
	return false
}
