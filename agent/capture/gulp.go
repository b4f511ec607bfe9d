package capture

import (
	"bufio"
	"io"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// How a stream is read: much at once, and after a read that brought little, a while later. A primary that commits small transactions sends thousands
// of messages a second; to wake for each costs more than to decode it.
const (
	gulpBytes = 256 << 10
	gulpFew   = 8 << 10 // less than fits into a socket's buffer: who sends more is read without a pause
	gulpPause = time.Millisecond
)

// gulps reads a stream for a pgconn.Config.
func gulps(r io.Reader, w io.Writer) *pgproto3.Frontend {
	return pgproto3.NewFrontend(bufio.NewReaderSize(&unhurried{r: r}, gulpBytes), w)
}

// unhurried lets more come after a read that brought little.
type unhurried struct {
	r    io.Reader
	last int
}

func (u *unhurried) Read(p []byte) (n int, err error) {
	if u.last < gulpFew {
		time.Sleep(gulpPause)
	}
	u.last, err = u.r.Read(p)
	return u.last, err
}
