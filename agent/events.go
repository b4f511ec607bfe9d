package agent

import (
	"fmt"
	"os"

	"foreshadow/forecast"
	"foreshadow/forecast/csvfile"
)

// eventsOf reads the file of known events each time that forecasts are renewed, so that a deployment can be appended to it; no file, no events.
func eventsOf(file string) func() ([]forecast.Event, error) {
	return func() ([]forecast.Event, error) {
		if file == "" {
			return nil, nil
		}
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("open events: %w", err)
		}
		defer f.Close()
		events, err := csvfile.Events(f)
		if err != nil {
			return nil, fmt.Errorf("read events in %s: %w", file, err)
		}
		return events, nil
	}
}
