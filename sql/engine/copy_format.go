package engine

import (
	"bytes"
	"encoding/binary"

	"foreshadow/sql/rewrite"
)

// lineWriter writes lines as PostgreSQL's COPY TO does, in its text and csv formats.
type lineWriter struct {
	format rewrite.CopyOut
	force  []bool // columns that FORCE_QUOTE names
	names  [][]byte
}

// rowHead is what stands before the values of a DataRow message: its kind, length and number of columns.
const rowHead = 1 + 4 + 2

// row writes the values of one DataRow message.
func (w *lineWriter) row(message []byte) []byte {
	line := make([]byte, 0, len(message))
	rest := message[rowHead:]
	for i := range w.force {
		if i > 0 {
			line = append(line, w.format.Delimiter...)
		}
		n := int32(binary.BigEndian.Uint32(rest))
		rest = rest[4:]
		if n < 0 {
			line = append(line, w.format.Null...)
			continue
		}
		line = w.value(line, rest[:n], w.force[i])
		rest = rest[n:]
	}
	return append(line, '\n')
}

// header writes the columns' names.
func (w *lineWriter) header() []byte {
	var line []byte
	for i, name := range w.names {
		if i > 0 {
			line = append(line, w.format.Delimiter...)
		}
		line = w.value(line, name, false)
	}
	return append(line, '\n')
}

func (w *lineWriter) value(line, v []byte, force bool) []byte {
	if w.format.CSV {
		return w.quoted(line, v, force)
	}
	return w.escaped(line, v)
}

// controls are the characters that have a letter of their own after a backslash.
var controls = map[byte]byte{'\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't', '\v': 'v'}

// escaped is the text format.
func (w *lineWriter) escaped(line, v []byte) []byte {
	for _, c := range v {
		if letter, ok := controls[c]; ok {
			line = append(line, '\\', letter)
			continue
		}
		if c == '\\' || c == w.format.Delimiter[0] {
			line = append(line, '\\')
		}
		line = append(line, c)
	}
	return line
}

// quoted is the csv format: in quotes where the value could be read otherwise.
func (w *lineWriter) quoted(line, v []byte, force bool) []byte {
	f := w.format
	if !force && string(v) != f.Null && !bytes.ContainsAny(v, f.Delimiter+f.Quote+"\r\n") && !(len(w.names) == 1 && string(v) == `\.`) {
		return append(line, v...)
	}
	line = append(line, f.Quote[0])
	for _, c := range v {
		if c == f.Quote[0] || c == f.Escape[0] {
			line = append(line, f.Escape[0])
		}
		line = append(line, c)
	}
	return append(line, f.Quote[0])
}
