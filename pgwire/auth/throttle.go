package auth

import (
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"
)

// How failed passwords slow their source down. A user's failures from one source count together and are forgotten after a success;
// the failures of a source as a whole are not, so that trying many users, or owning one, does not help.
const (
	freeForUser   = 3
	freeForSource = 20
	firstDelay    = time.Second
	longestDelay  = 8 * time.Second
	forgetAfter   = 5 * time.Minute
	mostKeys      = 8192
)

// Throttle slows down guessing. Accounts are never locked: that would let a stranger keep their owner out.
type Throttle struct {
	mu   sync.Mutex
	keys map[[sha256.Size]byte]*failures
}

// failures of one key; the next attempt may begin at free.
type failures struct {
	count      int
	last, free time.Time
}

// NewThrottle makes an empty one.
func NewThrottle() *Throttle { return &Throttle{keys: map[[sha256.Size]byte]*failures{}} }

// Source names where a client comes from: an IPv4 address, the /64 of an IPv6 address, or anything else as it is.
func Source(remote string) string {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return remote
	}
	addr := ap.Addr().Unmap()
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.String()
		}
	}
	return addr.String()
}

func keysOf(source, user string) (forUser, forSource [sha256.Size]byte) {
	return sha256.Sum256([]byte(source + "\x00" + user)), sha256.Sum256([]byte(source))
}

// Wait reserves the next moment at which this source may try a password for this user, and says how long that is from now. Attempts made
// at the same time queue up behind each other; ok is false when the queue is too long to wait in.
func (t *Throttle) Wait(source, user string, now time.Time) (d time.Duration, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	byUser, bySource := keysOf(source, user)
	for _, k := range []struct {
		key  [sha256.Size]byte
		free int
	}{{byUser, freeForUser}, {bySource, freeForSource}} {
		f := t.keys[k.key]
		if f == nil || f.count < k.free || now.Sub(f.last) > forgetAfter {
			continue
		}
		at := now
		if f.free.After(now) {
			at = f.free
		}
		if at.Sub(now) > longestDelay {
			return 0, false
		}
		f.free = at.Add(delay(f.count - k.free))
		d = max(d, f.free.Sub(now))
	}
	return min(d, longestDelay), true
}

// delay doubles with each failure.
func delay(over int) time.Duration {
	if over >= 3 {
		return longestDelay
	}
	return firstDelay << over
}

// Failed counts a wrong password.
func (t *Throttle) Failed(source, user string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	byUser, bySource := keysOf(source, user)
	for _, key := range [][sha256.Size]byte{byUser, bySource} {
		f := t.keys[key]
		if f == nil {
			t.makeRoom(now)
			f = &failures{}
			t.keys[key] = f
		}
		if now.Sub(f.last) > forgetAfter {
			f.count = 0
		}
		f.count++
		f.last = now
	}
}

// Succeeded forgets a user's failures from this source.
func (t *Throttle) Succeeded(source, user string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	byUser, _ := keysOf(source, user)
	delete(t.keys, byUser)
}

// makeRoom keeps the memory bounded: first what is old goes, then the oldest.
func (t *Throttle) makeRoom(now time.Time) {
	if len(t.keys) < mostKeys {
		return
	}
	var oldest [sha256.Size]byte
	oldestAt := now
	for k, f := range t.keys {
		if now.Sub(f.last) > forgetAfter {
			delete(t.keys, k)
		} else if !f.last.After(oldestAt) {
			oldest, oldestAt = k, f.last
		}
	}
	if len(t.keys) >= mostKeys {
		delete(t.keys, oldest)
	}
}
