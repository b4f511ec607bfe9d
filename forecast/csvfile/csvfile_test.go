package csvfile

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"pgregory.net/rapid"

	"foreshadow/forecast"
)

func read(text string) (series []forecast.Series, err error) {
	err = Each(strings.NewReader(text), func(s forecast.Series) error {
		series = append(series, s)
		return nil
	})
	return series, err
}

func TestGolden(t *testing.T) {
	t.Parallel()
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(_ *testing.T, d *datadriven.TestData) string {
			series, err := read(d.Input + "\n")
			if err != nil {
				return "error: " + err.Error() + "\n"
			}
			var b strings.Builder
			for _, s := range series {
				at := ""
				if !s.Start.IsZero() {
					at = " from " + s.Start.Format(time.RFC3339)
				}
				fmt.Fprintf(&b, "%q step %v%s: %v\n", s.ID, s.Step, at, s.Values)
			}
			return b.String()
		})
	})
}

func TestAnyText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		header := rapid.SampledFrom([]string{"id,V1,V2\n", "id,time,value\n", "", "time,value\n"}).Draw(t, "header")
		body := rapid.StringOf(rapid.SampledFrom([]rune("ab,,,\n\n\"1234567890-.:T é"))).Draw(t, "body")
		series, err := read(header + body)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error without text")
			}
			return
		}
		for _, s := range series {
			if len(s.Values) == 0 || s.Step <= 0 {
				t.Fatalf("%+v", s)
			}
		}
	})
}

// A wide file is read line by line: the first series is there before the second line is looked at, and an error of the taker ends the reading.
func TestEachStreams(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	taken := 0
	err := Each(strings.NewReader("id,V1\na,1\nb,not a number\n"), func(s forecast.Series) error {
		taken++
		if s.ID != "a" {
			t.Errorf("took %q", s.ID)
		}
		return enough
	})
	if !errors.Is(err, enough) || taken != 1 {
		t.Errorf("%v after %d series", err, taken)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	err := Write(&b, []*forecast.Result{
		{Series: forecast.Series{ID: "a,b"}, Points: []forecast.Point{{Mean: 1, Lo: 0.5, Hi: 1.5}, {Mean: math.Pi, Lo: 0, Hi: 1e12}}},
	})
	want := "id,h,mean,lo,hi\n\"a,b\",1,1,0.5,1.5\n\"a,b\",2,3.141592654,0,1e+12\n"
	if err != nil || b.String() != want {
		t.Errorf("%v\n%s", err, b.String())
	}
}
