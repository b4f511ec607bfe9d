package shadow

import (
	"bytes"
	"unicode/utf8"

	"foreshadow/agent/change"
	"foreshadow/sql/types"
)

// jsonColumn says how one column's values look in the log's JSON.
type jsonColumn struct {
	name []byte // with quotes, colon and space
	form jsonForm
}

type jsonForm uint8

const (
	jsonString  jsonForm = iota
	jsonNumber           // as it stands, unless it is NaN or an infinity
	jsonBoolean          // t or f
	jsonRaw              // already JSON
)

func jsonColumns(rel *change.Relation) []jsonColumn {
	cols := make([]jsonColumn, len(rel.Columns))
	for i, c := range rel.Columns {
		cols[i].name = append(appendString(nil, []byte(c.Name)), ": "...)
		switch c.TypeOID {
		case types.Bool:
			cols[i].form = jsonBoolean
		case types.Int2, types.Int4, types.Int8, types.OID, types.Float4, types.Float8, types.Numeric:
			cols[i].form = jsonNumber
		case types.JSON, types.JSONB:
			cols[i].form = jsonRaw
		}
	}
	return cols
}

// appendRow writes a row as PostgreSQL's jsonb_build_object would print it, in column order. Only the columns in only are written, or all when it is nil;
// values that are not known are left out.
func appendRow(b []byte, cols []jsonColumn, row []change.Value, only []int) []byte {
	b = append(b, '{')
	first := true
	write := func(i int) {
		if row[i].State != change.Set && row[i].State != change.Null {
			return
		}
		if !first {
			b = append(b, ", "...)
		}
		first = false
		b = append(b, cols[i].name...)
		b = appendValue(b, cols[i].form, row[i])
	}
	if only != nil {
		for _, i := range only {
			write(i)
		}
	} else {
		for i := range row {
			write(i)
		}
	}
	return append(b, '}')
}

func appendValue(b []byte, form jsonForm, v change.Value) []byte {
	switch {
	case v.State == change.Null:
		return append(b, "null"...)
	case form == jsonBoolean && string(v.Text) == "t":
		return append(b, "true"...)
	case form == jsonBoolean:
		return append(b, "false"...)
	case form == jsonRaw:
		return append(b, bytes.TrimSpace(v.Text)...)
	case form == jsonNumber && number(v.Text):
		return append(b, v.Text...)
	}
	return appendString(b, v.Text)
}

// number says whether a numeric's text is one in JSON too; NaN and the infinities are not.
func number(v []byte) bool {
	c := byte(0)
	if len(v) > 0 {
		c = v[len(v)-1]
	}
	return c >= '0' && c <= '9'
}

const hexDigits = "0123456789abcdef"

func appendString(b, s []byte) []byte {
	b = append(b, '"')
	start := 0
	for i, c := range s {
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\t':
			b = append(b, '\\', 't')
		case '\r':
			b = append(b, '\\', 'r')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(b, s[start:]...), '"')
}

// valid shows bytes of a JSON text's strings that are no UTF-8, which a "char" before PostgreSQL 16 and a database without an encoding can have, as the tables do.
func valid(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	return octal(b, `\\`)
}
