package raftnode

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
)

// call asks another agent and waits for its answer, no longer than ctx.
func (n *network) call(ctx context.Context, id string, request []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	c, err := n.dial(ctx, id, streamCall)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	if err := writeMessage(c, request); err != nil {
		return nil, &sentError{fmt.Errorf("ask agent %q: %w", id, err)}
	}
	answer, err := readMessage(c)
	if err != nil {
		return nil, &sentError{fmt.Errorf("wait for agent %q: %w", id, err)}
	}
	return answer, nil
}

// sentError is a failure after the question may have been read: what was asked may have been done.
type sentError struct{ err error }

// Error gives the cause.
func (e *sentError) Error() string { return e.err.Error() }

// Unwrap gives the cause.
func (e *sentError) Unwrap() error { return e.err }

// Is makes it ErrUnknown for errors.Is.
func (e *sentError) Is(target error) bool { return target == ErrUnknown }

// writeMessage writes a length and the bytes.
func writeMessage(w io.Writer, b []byte) error {
	if len(b) > maxMessage {
		return fmt.Errorf("a message of %d bytes is too long", len(b))
	}
	_, err := w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...))
	return err
}

// readMessage reads what writeMessage wrote.
func readMessage(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > maxMessage {
		return nil, fmt.Errorf("a message of %d bytes is too long", size)
	}
	b := make([]byte, size)
	_, err := io.ReadFull(r, b)
	return b, err
}
