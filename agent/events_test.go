package agent

import (
	"os"
	"path/filepath"
	"testing"
)

func TestEventsAreReadEachTime(t *testing.T) {
	t.Parallel()
	if events, err := eventsOf("")(); err != nil || len(events) > 0 {
		t.Errorf("without a file: %v, %v", events, err)
	}
	file := filepath.Join(t.TempDir(), "events.csv")
	read := eventsOf(file)
	if _, err := read(); err == nil {
		t.Error("a missing file was read")
	}
	text := "name,start,end\nsale,2026-11-27,2026-11-28\n"
	for n := 1; n <= 2; n++ {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if events, err := read(); err != nil || len(events) != n {
			t.Errorf("%v, %v, want %d", events, err, n)
		}
		text += "deployment,2026-11-05 10:00,\n"
	}
}
