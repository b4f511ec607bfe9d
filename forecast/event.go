package forecast

import "time"

// Event is something known that changes a load, such as a sale, a batch or a deployment. All events of one name have the same effect.
type Event struct {
	Name  string
	From  time.Time
	To    time.Time     // just after the last moment; zero for what changed for good, such as a deployment
	Every time.Duration // the distance at which it comes again after From; 0 for once
}

// Covers says whether a moment lies within the event.
func (e Event) Covers(at time.Time) bool {
	since := at.Sub(e.From)
	switch {
	case since < 0:
		return false
	case e.To.IsZero():
		return true
	case e.Every > 0:
		since %= e.Every
	}
	return since < e.To.Sub(e.From)
}
