package pgwire_test

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"foreshadow/pgwire/wiretest"
)

// TestNotify holds when a notification reaches a client: at once while it waits for nothing, before ReadyForQuery at the end of its
// transaction otherwise.
func TestNotify(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, nil)
	listener, sender := connect(t, s), connect(t, s)
	send := func(c *wiretest.Client, line string, want ...string) {
		t.Helper()
		got, err := c.Send(line, "")
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", line, got, err)
		}
	}
	tell := func(payload string) {
		t.Helper()
		send(sender, "Query tell "+payload, "CommandComplete TELL", `NotificationResponse news "`+payload+`"`, "ReadyForQuery I")
	}
	tell("one")
	got, err := listener.Read(func(pgproto3.BackendMessage) (bool, error) { return true, nil })
	if err != nil || !slices.Equal(got, []string{`NotificationResponse news "one"`}) {
		t.Errorf("while idle: %q, %v", got, err)
	}
	send(listener, "Query begin", "CommandComplete BEGIN", "ReadyForQuery T")
	tell("two")
	tell("three")
	send(listener, "Query insert 1", "CommandComplete INSERT 0 1", "ReadyForQuery T")
	send(listener, "Query commit", "CommandComplete COMMIT", `NotificationResponse news "two"`, `NotificationResponse news "three"`, "ReadyForQuery I")
	if _, err := listener.Send("Parse - - rows 1\nFlush", "ParseComplete"); err != nil {
		t.Fatal(err)
	}
	tell("four")
	send(listener, "Sync", `NotificationResponse news "four"`, "ReadyForQuery I")
}
