package pgwire

import (
	"github.com/jackc/pgx/v5/pgproto3"

	"foreshadow/sql/session"
)

// notified is called, from another goroutine, when the session has notifications. A client that waits for nothing gets them at once, any other
// when its transaction has ended.
func (c *conn) notified() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.idle || c.closed {
		return
	}
	c.sendNotifications()
	if err := c.out.flush(); err != nil {
		c.log.Debug("sending a notification", "error", err)
	}
}

// sendNotifications writes what has come by the channels that the client listens to.
func (c *conn) sendNotifications() {
	n, ok := c.sess.(session.Notifier)
	if !ok {
		return
	}
	for _, m := range n.Notifications() {
		c.out.send(&pgproto3.NotificationResponse{PID: m.PID, Channel: clean(m.Channel), Payload: clean(m.Payload)})
	}
}

// setIdle says whether the client has its ReadyForQuery outside a transaction and has sent nothing since. While it is so, only notified writes.
func (c *conn) setIdle(idle bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = idle
	if idle && c.out.err == nil {
		c.sendNotifications() // those that came while ReadyForQuery was being written
		_ = c.out.flush()     // the error stays, and ends the connection
	}
}
