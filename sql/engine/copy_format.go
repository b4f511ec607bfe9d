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

// head is the line of the columns' names, where it is wanted.
func (w *lineWriter) head() []byte {
	if !w.format.Header {
		return nil
	}
	var line []byte
	for i, name := range w.names {
		if i > 0 {
			line = append(line, w.format.Delimiter...)
		}
		line = w.value(line, name, false)
	}
	return append(line, '\n')
}

func (w *lineWriter) tail() []byte { return nil }

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

// binaryWriter writes COPY's binary format, in the messages in which PostgreSQL writes it: the header stands before the first row.
type binaryWriter struct{ begun bool }

// binaryHead is the signature, no flags, and no extension.
const binaryHead = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"

func (w *binaryWriter) head() []byte { return nil }

// first is the header, once.
func (w *binaryWriter) first() []byte {
	if w.begun {
		return nil
	}
	w.begun = true
	return []byte(binaryHead)
}

// row is a DataRow message without its kind and length.
func (w *binaryWriter) row(message []byte) []byte { return append(w.first(), message[1+4:]...) }

// tail is a row of -1 columns.
func (w *binaryWriter) tail() []byte { return append(w.first(), 0xff, 0xff) }
