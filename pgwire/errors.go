package pgwire

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"

	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

// failed reports an error and puts an open transaction into its failed state, also when the error is the protocol's own.
func (c *conn) failed(ctx context.Context, err error) {
	if f, ok := c.sess.(session.Failer); ok {
		if err := f.Fail(ctx); err != nil {
			c.log.Warn("cannot fail a transaction", "error", err)
		}
	}
	c.abortPortals()
	e := sqlerr.From(err)
	if e.Code == sqlerr.Internal {
		c.log.Error("internal error", "error", e.Message)
	}
	c.sendNotices()
	c.sendError(e)
}

// sendError writes an ErrorResponse.
func (c *conn) sendError(e *sqlerr.Error) { c.out.send(errorResponse(e)) }

// sendNotices writes what the session has to say besides results.
func (c *conn) sendNotices() {
	for _, n := range c.sess.Notices() {
		notice := pgproto3.NoticeResponse(*errorResponse(n))
		c.out.send(&notice)
	}
}

// errorResponse has every field of an error. Its position counts from the beginning of the whole query string already.
func errorResponse(e *sqlerr.Error) *pgproto3.ErrorResponse {
	severity := e.Severity
	if severity == "" {
		severity = "ERROR"
	}
	return &pgproto3.ErrorResponse{
		Severity: severity, SeverityUnlocalized: severity, Code: code(e.Code), Message: clean(e.Message), Detail: clean(e.Detail),
		Hint: clean(e.Hint), Position: int32(e.Position), Where: clean(e.Where), SchemaName: clean(e.Schema), TableName: clean(e.Table),
		ColumnName: clean(e.Column), DataTypeName: clean(e.DataType), ConstraintName: clean(e.Constraint),
	}
}

// code replaces what is not a SQLSTATE.
func code(s string) string {
	if len(s) != 5 {
		return sqlerr.Internal
	}
	return s
}

// clean removes zero bytes, which would end a field early.
func clean(s string) string { return strings.ReplaceAll(s, "\x00", "") }
