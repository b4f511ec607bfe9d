package config

import (
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// File reads a YAML settings file for kong. Keys nest as in the struct (source: {dsn: ...}) and a key that no flag has is an error.
// The environment wins over the file: kong asks a resolver also for flags that the environment has set, so those are passed over.
func File(r io.Reader) (kong.Resolver, error) {
	var tree map[string]any
	if err := yaml.NewDecoder(r).Decode(&tree); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read settings file: %w", err)
	}
	flat := map[string]any{}
	flatten(flat, "", tree)
	return file(flat), nil
}

type file map[string]any

func flatten(into map[string]any, prefix string, tree map[string]any) {
	for key, value := range tree {
		if branch, ok := value.(map[string]any); ok {
			flatten(into, prefix+key+"-", branch)
			continue
		}
		into[prefix+key] = value
	}
}

// Validate refuses keys that name no setting.
func (f file) Validate(app *kong.Application) error {
	known := map[string]bool{}
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			known[flag.Name] = true
		}
		return next(nil)
	})
	var unknown []string
	for key := range f {
		if !known[key] {
			unknown = append(unknown, strings.ReplaceAll(key, "-", "."))
		}
	}
	if len(unknown) > 0 {
		sort.Strings(unknown)
		return fmt.Errorf("settings file: unknown key %s", strings.Join(unknown, ", "))
	}
	return nil
}

// Resolve gives the file's value of a flag.
func (f file) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	value, ok := f[flag.Name]
	if !ok || fromEnvironment(flag) {
		return nil, nil
	}
	switch v := value.(type) {
	case []any:
		parts := make([]string, len(v))
		for i, p := range v {
			parts[i] = fmt.Sprint(p)
		}
		return strings.Join(parts, ","), nil
	default:
		return fmt.Sprint(v), nil
	}
}
