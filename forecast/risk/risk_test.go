package risk_test

import (
	"os"
	"strings"
	"testing"

	"foreshadow/forecast/risk"
)

// FuzzClassify reads any text and classifies it against a catalog in which every name means the same table: it must end in steps or an error.
func FuzzClassify(f *testing.F) {
	file, err := os.ReadFile("testdata/ddl.sql")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(file)) {
		f.Add(bracket.ReplaceAllString(strings.TrimSpace(line), ""))
	}
	f.Fuzz(func(t *testing.T, sql string) {
		script, err := risk.Parse(sql)
		if err != nil {
			return
		}
		relations, types, functions := script.Names()
		for _, kind := range []string{"r", "p", "i", "v"} {
			table := &risk.Relation{OID: 1, Name: "public.t", Kind: kind, Children: []uint32{1}, Parents: []uint32{1}, Default: 1, Strategy: "r", Key: []int16{1},
				Columns: []risk.Column{{Number: 1, Name: "id", Type: 1}}}
			if kind == "i" {
				table.Table = &risk.Relation{OID: 2, Name: "public.u", Kind: "r"}
			}
			c := &risk.Catalog{Version: 17, Named: map[string]uint32{}, TypeNames: map[string]uint32{}, Relations: []*risk.Relation{table},
				Types: []risk.Type{{OID: 1, Name: "int4", Kind: "b"}}, Volatile: functions}
			for _, n := range relations {
				c.Named[n] = 1
			}
			for _, n := range types {
				c.TypeNames[n] = 1
			}
			if _, err := script.Classify(c); err != nil {
				continue
			}
		}
	})
}
