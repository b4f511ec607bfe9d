package shadow

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"testing"
	"unsafe"
)

// TestStringsOfEveryLength writes strings that are held in each way, more than one block and one chunk of them, and reads them back.
func TestStringsOfEveryLength(t *testing.T) {
	d := start(t, t.TempDir())
	defer d.Close()
	if err := d.w.exec("CREATE TABLE strings (n BIGINT, t VARCHAR, b BLOB)"); err != nil {
		t.Fatal(err)
	}
	w, err := newChunk(d.w, "strings", []string{"BIGINT", "VARCHAR", "BLOB"})
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	texts := []string{"", "a", "elevenbytes", "twelve bytes", "thirteen byte", "größe", "日本語日", "日本語日本", strings.Repeat("ü", 3000),
		strings.Repeat("x", blockSize/4), strings.Repeat("y", blockSize/4+1), strings.Repeat("z", 2*blockSize)}
	const rows = 5000
	text := func(i int) string {
		if i < 1000 {
			return texts[i%len(texts)]
		}
		return strings.Repeat(strconv.Itoa(i), i%60)
	}
	raw := func(i int) []byte { return append([]byte{0xff, 0, byte(i)}, bytes.Repeat([]byte{0xfe}, i%30)...) }
	for i := range rows {
		set(w, 0, int64(i))
		w.str(1, []byte(text(i)))
		w.blob(2, raw(i))
		if err := w.next(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.flush(); err != nil {
		t.Fatal(err)
	}
	got, err := d.w.rows("SELECT t, b FROM strings ORDER BY n")
	if err != nil || len(got) != rows {
		t.Fatalf("%d rows: %v", len(got), err)
	}
	for i, r := range got {
		if r[0] != text(i) || r[1] != string(raw(i)) {
			t.Fatalf("row %d came back as %.40q and %.40q, not %.40q and %.40q", i, r[0], r[1], text(i), raw(i))
		}
	}
}

// TestIntegersAtTheirBounds reads what lies at the ends of each type, and refuses what lies beyond.
func TestIntegersAtTheirBounds(t *testing.T) {
	var v int16
	c := &cell{ptr: unsafe.Pointer(&v)}
	for text, want := range map[string]int16{"0": 0, "-1": -1, "32767": math.MaxInt16, "-32768": math.MinInt16} {
		if err := putters["SMALLINT"](c, 0, []byte(text)); err != nil || v != want {
			t.Errorf("%s is read as %d: %v", text, v, err)
		}
	}
	for _, text := range []string{"", "-", "32768", "-32769", "1.5", "65536", "9999999999999999999999"} {
		if err := putters["SMALLINT"](c, 0, []byte(text)); err == nil {
			t.Errorf("%q is read as %d", text, v)
		}
	}
	for text, want := range map[string]int64{"9223372036854775807": math.MaxInt64, "-9223372036854775808": math.MinInt64, "-999999999999999999": -999999999999999999} {
		if n, ok := parseInt([]byte(text)); !ok || n != want {
			t.Errorf("%s is read as %d", text, n)
		}
	}
	for _, text := range []string{"9223372036854775808", "--1", "1-"} {
		if n, ok := parseInt([]byte(text)); ok {
			t.Errorf("%q is read as %d", text, n)
		}
	}
}
