package agent

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"foreshadow/sql/engine"
	"foreshadow/sql/result"
)

// settingList shows the settings in force. Names of secret files are shown, their content and a password in the connection string never are.
func (a *Agent) settingList(context.Context, engine.Login) (result.Table, error) {
	t := columns("settings", "name VARCHAR, value VARCHAR, source VARCHAR")
	walkSettings(reflect.ValueOf(*a.settings), "", func(name, value string) {
		if name == "source.dsn" {
			value = withoutPassword(value)
		}
		t.Rows = append(t.Rows, []any{name, value, "agent"})
	})
	return t, nil
}

// walkSettings visits every field under the name that it has in the settings file.
func walkSettings(v reflect.Value, prefix string, visit func(name, value string)) {
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		if value.Kind() == reflect.Struct {
			walkSettings(value, prefix+strings.ReplaceAll(field.Tag.Get("prefix"), "-", "."), visit)
			continue
		}
		name := field.Tag.Get("name")
		if name == "" {
			name = kebab(field.Name)
		}
		visit(prefix+name, fmt.Sprint(value.Interface()))
	}
}

// kebab turns a Go name into a flag's, as kong does: DataDir becomes data-dir.
func kebab(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && r >= 'A' && r <= 'Z' && (name[i-1] < 'A' || name[i-1] > 'Z') {
			b.WriteByte('-')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}
