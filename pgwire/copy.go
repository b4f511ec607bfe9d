package pgwire

import (
	"context"
	"encoding/binary"
	"errors"
	"io"

	"github.com/jackc/pgx/v5/pgproto3"

	"foreshadow/sql/result"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// copyOut sends a COPY TO STDOUT. Its rows are payloads ready to be sent; a first field of type bytea says that their format is binary.
func (c *conn) copyOut(ctx context.Context, p *portal) error {
	head := &pgproto3.CopyOutResponse{ColumnFormatCodes: make([]uint16, len(p.fields))}
	if len(p.fields) > 0 && p.fields[0].TypeOID == types.Bytea {
		head.OverallFormat = 1
		for i := range head.ColumnFormatCodes {
			head.ColumnFormatCodes[i] = 1
		}
	}
	c.out.send(head)
	for {
		b, err := p.rows.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if err := c.copyData(b); err != nil {
			return err
		}
	}
	c.out.send(&pgproto3.CopyDone{})
	c.complete(p, 0)
	return nil
}

// copyData sends each row of a batch as a CopyData message.
func (c *conn) copyData(b *result.Batch) error {
	if len(b.Columns) != 1 || b.Columns[0].Kind != result.Encoded && b.Columns[0].Kind != result.Text {
		return sqlerr.New(sqlerr.Internal, "a COPY has rows that are not payloads")
	}
	for _, payload := range b.Columns[0].Bytes[:b.Len] {
		c.out.buf = append(c.out.buf, 'd')
		c.out.buf = binary.BigEndian.AppendUint32(c.out.buf, uint32(len(payload)+4))
		c.out.buf = append(c.out.buf, payload...)
		if err := c.out.spill(); err != nil {
			return &fatal{err}
		}
	}
	return nil
}
