package cli

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"foreshadow/forecast"
)

// daily is a CSV file of two series with a daily rhythm, one shorter than the other.
func daily() string {
	var b strings.Builder
	b.WriteString("id")
	for t := range 240 {
		fmt.Fprintf(&b, ",V%d", t+1)
	}
	for i, n := range []int{240, 200} {
		fmt.Fprintf(&b, "\ns%d", i)
		for t := range 240 {
			if t >= n {
				b.WriteByte(',')
				continue
			}
			fmt.Fprintf(&b, ",%.3f", 100+20*math.Sin(float64(t)*math.Pi/12)+float64(t*7919%11))
		}
	}
	return b.String() + "\n"
}

func TestForecastCommand(t *testing.T) {
	t.Parallel()
	var out, again bytes.Buffer
	opt := ForecastOptions{Horizon: 5, Level: 80, Season: []int{24}}
	if err := Forecast(t.Context(), opt, strings.NewReader(daily()), &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 11 || lines[0] != "id,h,mean,lo,hi" || !strings.HasPrefix(lines[1], "s0,1,") || !strings.HasPrefix(lines[10], "s1,5,") {
		t.Errorf("wrote\n%s", out.String())
	}
	if err := Forecast(t.Context(), opt, strings.NewReader(daily()), &again); err != nil || again.String() != out.String() {
		t.Errorf("a second run differs: %v\n%s", err, again.String())
	}
}

func TestBacktestCommand(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := Backtest(t.Context(), ForecastOptions{Horizon: 12}, strings.NewReader(daily()), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"series", "origins", "coverage 95 %", "s0", "s1", "all (2 series)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

func TestForecastCommandErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opt  ForecastOptions
		in   string
		want string
	}{
		"horizon": {ForecastOptions{}, daily(), "horizon of 0 steps"},
		"level":   {ForecastOptions{Horizon: 1, Level: 120}, daily(), "level 120"},
		"season":  {ForecastOptions{Horizon: 1, Season: []int{0}}, daily(), "season of 0 steps"},
		"number":  {ForecastOptions{Horizon: 1}, "id,V1\na,x\n", "line 2, column 2"},
		"events":  {ForecastOptions{Horizon: 1, Events: []forecast.Event{{Name: "sale"}}}, daily(), "events need series with times"},
		"empty":   {ForecastOptions{Horizon: 1}, "", "the file is empty"},
	} {
		var out bytes.Buffer
		err := Forecast(t.Context(), c.opt, strings.NewReader(c.in), &out)
		if err == nil || !strings.Contains(err.Error(), c.want) || out.Len() > 0 {
			t.Errorf("%s: %v, wrote %q", name, err, out.String())
		}
	}
}
