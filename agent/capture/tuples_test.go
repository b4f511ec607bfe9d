package capture

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"foreshadow/agent/change"
)

// TestTuples holds that a copy comes out the same however it is cut into pieces.
func TestTuples(t *testing.T) {
	t.Parallel()
	b := append([]byte(nil), signature...)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 3, 'e', 'x', 't')
	var want []string
	for i := range 40 {
		b = append(b, 0, 2)
		text := strings.Repeat("x", i*7)
		b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
		b = append(append(b, text...), 0xff, 0xff, 0xff, 0xff)
		want = append(want, text)
	}
	b = append(b, 0xff, 0xff)
	r := rand.New(rand.NewPCG(1, 1))
	for round := range 500 {
		var got []string
		w := &tuples{values: make([]change.Value, 2), states: []change.State{change.Set, change.Binary}, row: func(v []change.Value) error {
			if v[0].State != change.Set || v[1].State != change.Null {
				return fmt.Errorf("%+v", v)
			}
			got = append(got, string(v[0].Text))
			return nil
		}}
		for rest := b; len(rest) > 0; {
			n := min(len(rest), 1+r.IntN(1+round))
			if _, err := w.Write(append([]byte(nil), rest[:n]...)); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if strings.Join(got, "|") != strings.Join(want, "|") || len(w.rest) != 0 {
			t.Fatalf("pieces of at most %d bytes: %d rows, %d bytes left", round+1, len(got), len(w.rest))
		}
	}
	w := &tuples{values: make([]change.Value, 2), states: make([]change.State, 2)}
	if _, err := w.Write([]byte("id\tname\tand something that is no binary copy")); err == nil {
		t.Error("a text was taken for a binary copy")
	}
}
