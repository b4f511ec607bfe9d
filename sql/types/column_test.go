package types

import (
	"strings"
	"testing"
)

// TestColumn holds that no two names become one in DuckDB, and that each is found again.
func TestColumn(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, name := range []string{"", "a", "A", "ab", "aB", "Ab", "AB", "ü", "Ü", "a 1", "A 1", strings.Repeat("x", 63), strings.Repeat("X", 63), strings.Repeat("x", 62) + "X"} {
		folded := strings.ToLower(Column(name))
		if other, ok := seen[folded]; ok && !strings.ContainsAny(name, "üÜ") { // DuckDB folds ASCII only
			t.Errorf("%q and %q are one name", name, other)
		}
		seen[folded] = name
		if got := ColumnName(Column(name)); got != name {
			t.Errorf("%q came back as %q", name, got)
		}
	}
}
