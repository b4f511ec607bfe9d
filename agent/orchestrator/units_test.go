package orchestrator

import (
	"math"
	"testing"
	"time"

	"foreshadow/forecast"
)

func TestIntervals(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"90 days": "2026-05-01T12:00:00Z", "7776000 seconds": "2026-05-01T12:00:00Z", "1 year 2 mons 3 d": "2027-04-03T12:00:00Z", "2 days 03:30": "2026-02-02T15:30:00Z",
		"1.5 days": "2026-02-02T00:00:00Z", "0.5 month": "2026-02-15T12:00:00Z", " 1 Week ": "2026-02-07T12:00:00Z", "-1 hour": "2026-01-31T11:00:00Z", "00:00:01": "2026-01-31T12:00:01Z",
		"": "", "soon": "", "90": "", "1 fortnight": "", "1 day x": "", "1000 years": "", "1e9 days": "", "99999999999999 seconds": "",
	} {
		s, err := parseSpan(text)
		if (err != nil) != (want == "") {
			t.Errorf("%q: %v", text, err)
		} else if got := s.add(from).Format(time.RFC3339); err == nil && got != want {
			t.Errorf("%q leads to %s, want %s", text, got, want)
		}
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"20GB": 20 << 30, "1.5 MB": 3 << 19, "512": 512, "10 kB": 10240, "1TiB": 1 << 40, "7 bytes": 7, "x": -1, "-1GB": -1, "1PB": -1, "99999999TB": -1} {
		got, err := parseSize(text)
		if (err != nil) != (want < 0) || (err == nil && got != want) {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
	}
}

func TestQuantiles(t *testing.T) {
	t.Parallel()
	p := forecast.Quantiles{P10: 80, P50: 100, P90: 150}
	for q, want := range map[float64]float64{0.1: 80, 0.5: 100, 0.9: 150} {
		if got := at(p, q); math.Abs(got-want) > 1e-9 {
			t.Errorf("at %v: %v", q, got)
		}
	}
	if at(p, 0.95) <= 150 || at(p, 0.3) <= 80 || at(p, 0.3) >= 100 || whole(-3) != 0 || whole(math.NaN()) != 0 || whole(2.5) != 3 {
		t.Error("quantiles in between are wrong")
	}
}
