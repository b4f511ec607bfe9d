package verify

import (
	"bytes"
	"strconv"
	"testing"

	"foreshadow/agent/pgtest"
)

// TestHash compares our hash with the server's, for texts of every length up to some blocks and several seeds.
func TestHash(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	rows := pg.Query(t, "postgres", `SELECT n::text, s::text, hashtextextended(left(repeat('Aé~' || E'\x01', 20), n) COLLATE "C", s)::text
		FROM generate_series(0, 60) n, unnest('{0,1,-1,4294967296,-9223372036854775808,1234567890123456789}'::int8[]) s`)
	all := []rune(string(bytes.Repeat([]byte("Aé~\x01"), 20)))
	for _, r := range rows {
		n, _ := strconv.Atoi(r[0])
		seed, _ := strconv.ParseInt(r[1], 10, 64)
		if got := strconv.FormatInt(int64(hashBytes([]byte(string(all[:n])), uint64(seed))), 10); got != r[2] {
			t.Errorf("hash of %d characters with seed %d: %s, want %s", n, seed, got, r[2])
		}
	}
	if len(rows) != 61*6 {
		t.Errorf("%d answers", len(rows))
	}
}
