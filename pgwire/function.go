package pgwire

import (
	"context"

	"foreshadow/sql/sqlerr"
)

// functionCall refuses the protocol's own way of calling functions, which no driver has used for decades.
func (c *conn) functionCall(ctx context.Context) error {
	c.failed(ctx, sqlerr.New(sqlerr.FeatureNotSupported, "function calls by protocol message are not supported").
		WithHint("Call the function in a SELECT."))
	return c.finish(ctx)
}
