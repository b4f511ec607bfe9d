package risk

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"foreshadow/forecast"
)

// Verdict says what clients will notice.
type Verdict string

// The verdicts. Clients hardly notice a safe change; a careful one needs lock_timeout, a quiet hour or clients that are prepared; a dangerous
// one stops them for longer than they wait, fills the disk or breaks what they run; one that fails changes nothing.
const (
	Safe      Verdict = "safe"
	Careful   Verdict = "careful"
	Dangerous Verdict = "dangerous"
	Fails     Verdict = "fails"
)

var severity = map[Verdict]int{Safe: 0, Careful: 1, Dangerous: 2, Fails: 3}

// The bounds of the verdicts: seconds that clients stand still, and seconds that a change may wait for older transactions.
const (
	hardlyNoticed = 1
	tooLong       = 10
	longWait      = 60
)

// Finding is what a step does to one relation at the horizon that was asked for.
type Finding struct {
	Effect
	Known       bool // whether the relation's size is known
	Kept        bool // most of the time comes from later statements of the same transaction, which keeps the lock
	Rows, Bytes forecast.Quantiles
	Hold        forecast.Quantiles // seconds from getting the lock to the transaction's end
	Wait        float64            // expected seconds until the lock is had, with everything that comes later waiting behind it
	Conflicting float64            // statements a second that would wait, on the week's average; NaN when no load is known
	Queued      float64            // statements that wait in the end, at the average
	Verdict     Verdict
	Because     string
	BestHour    time.Time // the coming hour in which the fewest statements queue up
	AtBest      float64   // such statements a second in it
	QueuedBest  float64   // that wait in the end in it
}

// Assessment is one step held against the outlook.
type Assessment struct {
	Step
	Findings   []Finding // of relations that clients use; indexes and sequences go with their tables
	Disk, WAL  float64   // bytes, at the median size
	ReplicaLag float64   // seconds
	Broken     []string  // statements of the load that stop working
	BrokenRate float64   // their calls a second
	Verdict    Verdict
	Because    string
	ChangesOn  time.Time // the first day on which the verdict is another, at the median size; zero when it stays within the forecast
	EarlyOn    time.Time // the same at the 90 % point
	Becomes    Verdict
	Rates      Rates // that the durations rest on
}

// Assess holds steps against an outlook, so many days ahead. The verdict is that of the median size and the week's average load, as both are expected then.
func Assess(steps []Step, c *Catalog, o *Outlook, day int) []Assessment {
	days := max(day, len(o.Load))
	for _, t := range o.Tables {
		days = max(days, len(t.Days))
	}
	at := make([]Assessment, len(steps))
	for i := range steps {
		at[i] = o.assess(steps, i, c, day, median)
	}
	for i := range at {
		at[i].ChangesOn, at[i].Becomes = o.turning(steps, i, c, at[i].Verdict, day, days, median)
		at[i].EarlyOn, _ = o.turning(steps, i, c, at[i].Verdict, day, days, high)
	}
	return at
}

// Which point of the sizes a verdict is made at.
const (
	low = iota
	median
	high
)

// stride is the number of days after which a verdict is looked at again: one that changes and comes back in between is not seen.
const stride = 28

// turning is the first day on which a step's verdict is another. Sizes grow and load may fall, so it is looked for stride by stride, and by halving in one.
func (o *Outlook) turning(steps []Step, i int, c *Catalog, now Verdict, day, days, point int) (time.Time, Verdict) {
	verdict := func(d int) Verdict { return o.assess(steps, i, c, d, point).Verdict }
	if v := verdict(day); v != now && day < days { // the 90 % point differs at once
		return o.Now.AddDate(0, 0, day), v
	}
	for from := day; from < days; from += stride {
		to := min(from+stride, days)
		if verdict(to) == now {
			continue
		}
		first := from + 1 + sort.Search(to-from-1, func(k int) bool { return verdict(from+1+k) != now })
		return o.Now.AddDate(0, 0, first), verdict(first)
	}
	return time.Time{}, ""
}

// assess is one step at one day.
func (o *Outlook) assess(steps []Step, i int, c *Catalog, day, point int) Assessment {
	a := Assessment{Step: steps[i], Verdict: Safe, Rates: o.Rates}
	q := o.costs(steps[i], day)
	a.Disk, a.WAL = q[point].disk, q[point].wal
	a.ReplicaLag = a.WAL / o.Rates.Replay
	after := [3]float64{}
	for k := range after {
		after[k] = q[k].seconds
	}
	for j := i + 1; j < len(steps) && steps[j].Group == steps[i].Group; j++ { // what this step locks, it keeps
		later, wait := o.costs(steps[j], day), o.wait(steps[j])
		for k := range after {
			after[k] += later[k].seconds + wait
		}
	}
	for _, e := range steps[i].Effects {
		if e.Relation.Table != nil {
			continue
		}
		f := o.finding(c, e, day, point, after, q[point].seconds)
		a.Findings = append(a.Findings, f)
		a.worse(f.Verdict, f.Because)
	}
	o.judge(&a, c, o.grown(day, point))
	if slices.ContainsFunc(a.Findings, func(f Finding) bool { return f.Kept && f.Verdict != Safe }) {
		a.Notes = append(slices.Clone(a.Notes), "the lock is kept until COMMIT, through what comes after: give each statement a transaction of its own")
	}
	if a.Because == "" {
		a.Because = "nothing that clients do waits for more than a moment"
	}
	return a
}

// worse keeps the heavier verdict.
func (a *Assessment) worse(v Verdict, because string) {
	if severity[v] > severity[a.Verdict] || a.Because == "" && v == a.Verdict {
		a.Verdict, a.Because = v, because
	}
}

// judge adds what is not about waiting: disk, clients that break, and refusals. The load has grown by a factor.
func (o *Outlook) judge(a *Assessment, c *Catalog, grown float64) {
	if known(o.DiskFree) && a.Disk > o.DiskFree {
		a.worse(Dangerous, fmt.Sprintf("it needs %s of disk, and %s are free", Bytes(a.Disk), Bytes(o.DiskFree)))
	}
	for _, b := range a.Breaks {
		texts, calls := o.broken(c, b)
		a.Broken, a.BrokenRate = append(a.Broken, texts...), a.BrokenRate+grown*calls
		what := b.Relation.Name
		if b.Column != "" {
			what += "." + b.Column
		}
		switch {
		case len(texts) > 0 && b.Certain:
			a.worse(Dangerous, fmt.Sprintf("%d statements seen use %s, which is %s", len(texts), what, b.How))
		default:
			a.worse(Careful, fmt.Sprintf("clients that use %s find it %s", what, b.How))
		}
	}
	if a.Waits && o.Snapshot > longWait {
		a.worse(Careful, fmt.Sprintf("it waits for older transactions, by experience %s", Seconds(o.Snapshot)))
	}
	if a.Fails != "" {
		a.worse(Fails, a.Fails)
	}
}

// costs adds up what a step does to all its relations.
func (o *Outlook) costs(s Step, day int) (sum [3]cost) {
	for _, e := range s.Effects {
		if e.Relation.Table != nil {
			continue
		}
		for k, c := range o.Rates.quantiles(e, o.Tables[e.Relation.Name], day) {
			sum[k] = sum[k].add(c)
		}
	}
	return sum
}

// wait is the longest that a step is expected to wait for its locks.
func (o *Outlook) wait(s Step) (longest float64) {
	for _, e := range s.Effects {
		longest = max(longest, o.waitFor(e).Mean)
	}
	return longest
}

// waitFor is how long a lock is waited for. A transaction found at a random moment has as long to live as it has lived, on average (Cox, Renewal
// Theory, 1962), so the mean age of those that hold the table is the expected wait.
func (o *Outlook) waitFor(e Effect) Wait {
	t := o.Tables[e.Relation.Name]
	switch {
	case e.Lock.BlocksReads():
		return t.Readers
	case e.Lock.BlocksWrites():
		return t.Writers
	}
	return Wait{}
}

// finding is what a step does to one relation. The lock is held for seconds at each point of the sizes, own of them the step's part at the point that the
// verdict is made at.
func (o *Outlook) finding(c *Catalog, e Effect, day, point int, seconds [3]float64, own float64) Finding {
	t, ok := o.Tables[e.Relation.Name]
	wait, held := o.waitFor(e), seconds[point]
	f := Finding{Effect: e, Known: ok || !e.Relation.stored(), Kept: held > 2*own, Hold: o.Rates.spread(seconds[low], seconds[median], seconds[high]),
		Wait: wait.Mean, Verdict: Safe, Conflicting: math.NaN()}
	var factor forecast.Quantiles
	f.Rows, factor = t.at(day)
	size := t.Heap + t.Index + t.Toast
	f.Bytes = forecast.Quantiles{P10: size * factor.P10, P50: size * factor.P50, P90: size * factor.P90}
	if !e.Lock.BlocksWrites() {
		return f
	}
	stall := held + f.Wait
	if hours := o.conflicting(c, e); hours != nil {
		grown := o.grown(day, point)
		f.Conflicting = grown * mean(hours)
		f.Queued = f.Conflicting * stall
		best := quietest(hours, wait, held)
		f.BestHour, f.AtBest = o.Now.Truncate(time.Hour).Add(time.Duration(best+1)*time.Hour), grown*hours[best]
		f.QueuedBest = f.AtBest * (held + wait.at(best))
	}
	f.Verdict, f.Because = o.verdict(f, stall)
	return f
}

// verdict is that of one relation.
func (o *Outlook) verdict(f Finding, stall float64) (Verdict, string) {
	kept := ""
	if f.Kept {
		kept = ", kept to COMMIT"
	}
	blocked := fmt.Sprintf("%s on %s wait %s (%s under %s%s)", f.Lock.Blocks(), f.Relation.Name, Seconds(stall), f.Work(), f.Lock, kept)
	crowd := ""
	if f.Queued >= 1 {
		crowd = fmt.Sprintf("; %.0f statements queue up", f.Queued)
	}
	unused := known(f.Conflicting) && f.Conflicting == 0
	switch {
	case !f.Known && f.Work() != "metadata" && f.Work() != "new files":
		return Careful, "the size of " + f.Relation.Name + " is not known"
	case stall <= hardlyNoticed:
		return Safe, ""
	case known(o.FreeConnections) && f.Queued > o.FreeConnections:
		return Dangerous, blocked + crowd + fmt.Sprintf(", and %.0f connections are free", o.FreeConnections)
	case stall > tooLong && !unused:
		return Dangerous, blocked + crowd
	case f.Wait > stall/2:
		return Careful, fmt.Sprintf("it waits for transactions that hold %s, by experience %s, and all others wait behind it: set lock_timeout and try again", f.Relation.Name, Seconds(f.Wait))
	}
	return Careful, blocked + crowd
}

// Seconds words a length of time.
func Seconds(s float64) string {
	switch {
	case s < 1:
		return fmt.Sprintf("%.0f ms", s*1000)
	case s < 120:
		return fmt.Sprintf("%.1f s", s)
	case s < 7200:
		return fmt.Sprintf("%.0f min", s/60)
	}
	return fmt.Sprintf("%.1f h", s/3600)
}

// Bytes words an amount.
func Bytes(b float64) string {
	units := []string{"B", "kB", "MB", "GB", "TB", "PB"}
	i := 0
	for b >= 1000 && i < len(units)-1 {
		b /= 1000
		i++
	}
	if i == 0 {
		return fmt.Sprintf("%.0f B", b)
	}
	return fmt.Sprintf("%.3g %s", b, units[i])
}
