package e2e

import (
	"fmt"
	"os"
)

// goClient is a client in Go: a command of the test binary, as the others are commands of the machine.
func goClient(script func() error) func() {
	return func() {
		if err := script(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
}

// typed shows a value with its Go type.
func typed(v any) string { return fmt.Sprintf("%T %v", v, v) }

// readEveryType and the like are asked by both Go clients.
const (
	readKinds  = "SELECT * FROM kinds ORDER BY id"
	readOrder  = "SELECT id, status, total FROM orders WHERE id = $1 AND total < $2"
	neverEnds  = "SELECT count(*) FROM orders a, orders b, orders c WHERE a.id + b.id + c.id < 0"
	stateNow   = "SELECT state FROM foreshadow.capture_status"
	eventsNow  = "SELECT count(*) FROM events"
	eventsThen = "SELECT count(*) FROM events AS OF $1"
	deleted    = "SELECT count(*) FROM foreshadow.change_log WHERE relation = $1 AND transaction_type = 'delete'"
)

// mistakes fail, each with its own code and position.
var mistakes = []string{"SELECT * FROM missing", "SELECT missing FROM orders", "SELECT 1/0", "SELECT id / (id - id) FROM orders", "SELECT id FROM orders WHER id = 1",
	"SELECT amount FROM salaries", "SELECT * FROM orders WHERE lower(total) = 'a'", "SELECT 'x'::integer FROM orders", "SELECT nothing()"}
