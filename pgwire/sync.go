package pgwire

import "context"

// sync ends a pipeline: what was skipped after an error is over, the implicit transaction ends, and portals with it.
func (c *conn) sync(ctx context.Context) error {
	c.skipping = false
	return c.finish(ctx)
}
