package csvfile

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"pgregory.net/rapid"

	"foreshadow/forecast"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(_ *testing.T, d *datadriven.TestData) string {
			series, err := Read(strings.NewReader(d.Input + "\n"))
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
		series, err := Read(strings.NewReader(header + body))
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

func TestWrite(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	err := Write(&b, []forecast.Result{
		{Series: forecast.Series{ID: "a,b"}, Points: []forecast.Point{{Mean: 1, Lo: 0.5, Hi: 1.5}, {Mean: math.Pi, Lo: 0, Hi: 1e12}}},
	})
	want := "id,h,mean,lo,hi\n\"a,b\",1,1,0.5,1.5\n\"a,b\",2,3.141592654,0,1e+12\n"
	if err != nil || b.String() != want {
		t.Errorf("%v\n%s", err, b.String())
	}
}
