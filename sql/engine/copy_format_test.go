package engine

import (
	"encoding/binary"
	"testing"

	"foreshadow/sql/rewrite"
)

// TestCopyLines writes what PostgreSQL writes; the end to end test compares with PostgreSQL itself.
func TestCopyLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		copy rewrite.CopyOut
		want string
	}{
		{"text", rewrite.CopyOut{Delimiter: "\t", Null: `\N`}, "a\\tb\t\\N\t\tx\\\\y\n"},
		{"text with another delimiter", rewrite.CopyOut{Delimiter: "x", Null: ""}, "a\\tbxxx\\x\\\\y\n"},
		{"csv", rewrite.CopyOut{CSV: true, Delimiter: ",", Quote: `"`, Escape: `"`}, "a\tb,,\"\",x\\y\n"},
		{"csv with a null text", rewrite.CopyOut{CSV: true, Delimiter: "\t", Quote: "'", Escape: `\`, Null: "a"}, "'a\tb'\ta\t\tx\\y\n"},
	} {
		w := &lineWriter{format: c.copy, force: make([]bool, 4), names: make([][]byte, 4)}
		if got := string(w.row(message("a\tb", nil, "", `x\y`))); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// message is a DataRow of texts.
func message(values ...any) []byte {
	m := make([]byte, rowHead)
	for _, v := range values {
		text, ok := v.(string)
		if !ok {
			m = append(m, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		m = append(binary.BigEndian.AppendUint32(m, uint32(len(text))), text...)
	}
	return m
}
