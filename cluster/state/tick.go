package state

// Tick only carries the leader's time, so that requests expire and leases lapse while nobody else writes.
type Tick struct{}

func (c *Tick) number() uint16 { return 15 }

// apply has nothing to do: the clock moved before it.
func (c *Tick) apply(*step) (uint64, *Refusal) { return 0, nil }
