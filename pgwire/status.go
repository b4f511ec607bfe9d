package pgwire

import (
	"maps"
	"slices"

	"github.com/jackc/pgx/v5/pgproto3"

	"foreshadow/pgwire/encode"
)

// sendStatus reports the parameters that are new or have changed since they were last reported.
func (c *conn) sendStatus() {
	status := c.sess.Status()
	for _, name := range slices.Sorted(maps.Keys(status)) {
		value := status[name]
		if old, ok := c.reported[name]; ok && old == value {
			continue
		}
		c.reported[name] = value
		c.out.send(&pgproto3.ParameterStatus{Name: name, Value: value})
	}
}

// settings gives the parameters that change how values are written, as they are now.
func (c *conn) settings() (*encode.Settings, error) {
	status := c.sess.Status()
	key := [3]string{status["TimeZone"], status["DateStyle"], status["IntervalStyle"]}
	if c.set != nil && c.setFor == key {
		return c.set, nil
	}
	set, err := encode.ParseSettings(status)
	if err != nil {
		return nil, err
	}
	c.set, c.setFor = set, key
	return set, nil
}
