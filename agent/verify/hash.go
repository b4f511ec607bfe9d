package verify

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"

	"github.com/jackc/pgx/v5"
)

// A row's hash is a chain over its columns: each column's text form, with a letter in front that tells NULL from a value, is hashed with the hash so
// far as seed. The function is PostgreSQL's own hashtextextended: cheap there, and the same in all versions, since hash partitions rest on it.

// hashSQL is the hash of a column's value in the primary's SQL. The test is not IS NULL, which holds for a composite value whose fields are all NULL.
func hashSQL(column, seed string, utf8 bool) string {
	text := fmt.Sprintf("concat(%s IS NOT DISTINCT FROM NULL, %[1]s)", pgx.Identifier{column}.Sanitize())
	if !utf8 { // the database keeps other bytes than it sends
		text = "encode(convert_to(" + text + ", 'UTF8'), 'hex')"
	}
	return fmt.Sprintf(`hashtextextended(%s COLLATE "C", %s)`, text, seed)
}

// rowSQL is the hash of a row.
func rowSQL(columns []string, utf8 bool) string {
	sql := "0"
	for _, c := range columns {
		sql = hashSQL(c, sql, utf8)
	}
	return sql
}

// hasher computes the same as hashSQL.
type hasher struct {
	utf8 bool
	buf  []byte
}

// value hashes a value in PostgreSQL's text form; nil is NULL.
func (h *hasher) value(text []byte, seed uint64) uint64 {
	h.buf = append(h.buf[:0], 't')
	if text != nil {
		h.buf = append(append(h.buf[:0], 'f'), text...)
	}
	if !h.utf8 {
		return hashBytes(hex.AppendEncode(nil, h.buf), seed)
	}
	return hashBytes(h.buf, seed)
}

// hashBytes is PostgreSQL's hash_bytes_extended as little-endian machines compute it; the method is Bob Jenkins' lookup3.
func hashBytes(k []byte, seed uint64) uint64 {
	a := 0x9e3779b9 + uint32(len(k)) + 3923095
	b, c := a, a
	if seed != 0 {
		a, b = a+uint32(seed>>32), b+uint32(seed)
		a, b, c = mix(a, b, c)
	}
	for ; len(k) >= 12; k = k[12:] {
		a, b, c = mix(a+binary.LittleEndian.Uint32(k), b+binary.LittleEndian.Uint32(k[4:]), c+binary.LittleEndian.Uint32(k[8:]))
	}
	var rest [12]byte
	copy(rest[:8], k)
	if len(k) > 8 {
		copy(rest[9:], k[8:]) // the lowest byte of c stands for the length
	}
	b, c = final(a+binary.LittleEndian.Uint32(rest[:]), b+binary.LittleEndian.Uint32(rest[4:]), c+binary.LittleEndian.Uint32(rest[8:]))
	return uint64(b)<<32 | uint64(c)
}

func mix(a, b, c uint32) (uint32, uint32, uint32) {
	a = (a - c) ^ bits.RotateLeft32(c, 4)
	c += b
	b = (b - a) ^ bits.RotateLeft32(a, 6)
	a += c
	c = (c - b) ^ bits.RotateLeft32(b, 8)
	b += a
	a = (a - c) ^ bits.RotateLeft32(c, 16)
	c += b
	b = (b - a) ^ bits.RotateLeft32(a, 19)
	a += c
	c = (c - b) ^ bits.RotateLeft32(b, 4)
	b += a
	return a, b, c
}

func final(a, b, c uint32) (uint32, uint32) {
	c = (c ^ b) - bits.RotateLeft32(b, 14)
	a = (a ^ c) - bits.RotateLeft32(c, 11)
	b = (b ^ a) - bits.RotateLeft32(a, 25)
	c = (c ^ b) - bits.RotateLeft32(b, 16)
	a = (a ^ c) - bits.RotateLeft32(c, 4)
	b = (b ^ a) - bits.RotateLeft32(a, 14)
	c = (c ^ b) - bits.RotateLeft32(b, 24)
	return b, c
}
