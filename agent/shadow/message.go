package shadow

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"unicode/utf8"

	"foreshadow/agent/change"
)

// noTable is the number under which the log has what belongs to no table.
const noTable = 0

// writeMessage appends a logical message to the change log. One outside a transaction has neither a time nor a transaction's number.
func (d *DB) writeMessage(tx *change.Tx, c *change.Change) error {
	w := d.out.log
	var op change.Op
	d.out.buf, op = appendMessage(d.out.buf[:0], c)
	d.head(tx, c.Seq, noTable, 0, op)
	if tx.CommitTime.IsZero() {
		w.null(2)
		w.null(3)
	}
	w.null(7)
	w.null(8)
	w.str(9, valid(d.out.buf))
	w.null(10)
	set(w, 11, int64(len(d.out.buf)))
	return w.next()
}

// appendMessage writes a message as the log shows it: the event trigger's as it stands, any other one with its prefix and its content, which is
// in bytea's form, under another name, where it is no text. Anyone may send messages, so one with the trigger's prefix may be something else.
func appendMessage(b []byte, c *change.Change) ([]byte, change.Op) {
	prefix, content := c.After[0].Text, c.After[1].Text
	if c.Op == change.DDL && bytes.HasPrefix(content, []byte("{")) && utf8.Valid(content) && json.Valid(content) {
		return append(b, content...), change.DDL
	}
	b = appendString(append(b, `{"prefix": `...), prefix)
	if utf8.Valid(content) && !bytes.ContainsRune(content, 0) {
		b = appendString(append(b, `, "content": `...), content)
	} else {
		b = appendString(append(b, `, "bytes": `...), []byte("\\x"+hex.EncodeToString(content)))
	}
	return append(b, '}'), change.Message
}
