package capture

import (
	"bufio"
	"io"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// How a stream is read: much at once, with a pause before each read that grows while reads bring little, and shrinks while they bring much. A primary that
// commits small transactions sends thousands of messages a second; to wake for each costs more than to decode it. But one that has much to send must not
// find its socket full, whose buffer holds a few tens of kilobytes of small messages.
const (
	gulpBytes    = 256 << 10
	gulpFew      = 6 << 10
	gulpMuch     = 14 << 10
	gulpShortest = 50 * time.Microsecond
	gulpLongest  = 5 * time.Millisecond
)

// gulps reads a stream for a pgconn.Config.
func gulps(r io.Reader, w io.Writer) *pgproto3.Frontend {
	return pgproto3.NewFrontend(bufio.NewReaderSize(&unhurried{r: r}, gulpBytes), w)
}

// unhurried lets more come before it reads.
type unhurried struct {
	r     io.Reader
	pause time.Duration
}

func (u *unhurried) Read(p []byte) (int, error) {
	time.Sleep(u.pause)
	n, err := u.r.Read(p)
	switch {
	case n < gulpFew:
		u.pause = min(max(2*u.pause, gulpShortest), gulpLongest)
	case n >= gulpMuch:
		u.pause /= 2
	}
	return n, err
}
