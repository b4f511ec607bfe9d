package state

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Command is a replicated command: a sealed set, one file each. Its number is written into the log and never used again for another.
//
//sumtype:decl
type Command interface {
	number() uint16
	// apply checks everything first and then changes the state; a refusal leaves the state as it was.
	apply(*step) (request uint64, refusal *Refusal)
}

// newCommand gives an empty command for a number. A number that is missing here stops the node.
var newCommand = map[uint16]func() Command{
	1:  func() Command { return new(Bootstrap) },
	2:  func() Command { return new(SetVerifier) },
	3:  func() Command { return new(SetReader) },
	4:  func() Command { return new(Propose) },
	5:  func() Command { return new(Approve) },
	6:  func() Command { return new(Reject) },
	7:  func() Command { return new(Revoke) },
	8:  func() Command { return new(Withdraw) },
	9:  func() Command { return new(Freeze) },
	10: func() Command { return new(Deactivate) },
	11: func() Command { return new(Claim) },
	12: func() Command { return new(Renew) },
	13: func() Command { return new(Complete) },
	14: func() Command { return new(Fail) },
	15: func() Command { return new(Tick) },
	16: func() Command { return new(EndInstance) },
}

// Envelope is a command with what travels with it: the operation id for repeats, and the time the leader stamped.
type Envelope struct {
	Op      string
	Stamp   Millis
	Command Command
}

// wireFormat is the first byte of every entry; another one stops the node.
const wireFormat = 1

// Encode writes an envelope: format, command number, stamp, operation id, then the command as JSON.
func Encode(e Envelope) ([]byte, error) {
	body, err := json.Marshal(e.Command)
	if err != nil {
		return nil, fmt.Errorf("encode command %d: %w", e.Command.number(), err)
	}
	if len(e.Op) > 255 {
		return nil, fmt.Errorf("encode command %d: operation id of %d bytes", e.Command.number(), len(e.Op))
	}
	b := []byte{wireFormat}
	b = binary.BigEndian.AppendUint16(b, e.Command.number())
	b = binary.BigEndian.AppendUint64(b, uint64(e.Stamp))
	b = append(b, byte(len(e.Op)))
	b = append(b, e.Op...)
	return append(b, body...), nil
}

// Decode reads what Encode wrote. An unknown format, number or field is an error: skipping it would make replicas differ.
func Decode(b []byte) (Envelope, error) {
	if len(b) < 12 {
		return Envelope{}, errors.New("the entry is cut short")
	}
	if b[0] != wireFormat {
		return Envelope{}, fmt.Errorf("unknown entry format %d", b[0])
	}
	n := binary.BigEndian.Uint16(b[1:])
	e := Envelope{Stamp: Millis(binary.BigEndian.Uint64(b[3:]))}
	end := 12 + int(b[11])
	if len(b) < end {
		return Envelope{}, errors.New("the entry is cut short")
	}
	e.Op = string(b[12:end])
	build, ok := newCommand[n]
	if !ok {
		return Envelope{}, fmt.Errorf("unknown command number %d: this agent is older than the one that wrote it", n)
	}
	e.Command = build()
	dec := json.NewDecoder(bytes.NewReader(b[end:]))
	dec.DisallowUnknownFields()
	if err := dec.Decode(e.Command); err != nil {
		return Envelope{}, fmt.Errorf("read command %d: %w", n, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Envelope{}, fmt.Errorf("read command %d: bytes after its end", n)
	}
	if p, ok := e.Command.(*Propose); ok && !p.Kind.Known() {
		return Envelope{}, fmt.Errorf("read command %d: unknown kind %q: this agent is older than the one that wrote it", n, string(p.Kind))
	}
	return e, nil
}
