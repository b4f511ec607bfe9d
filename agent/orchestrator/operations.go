package orchestrator

import (
	"slices"
	"time"
)

// keptOperations is how many ended operations stay visible.
const keptOperations = 50

// operation is one Operation while it changes; guarded by Orchestrator.mu.
type operation struct{ Operation }

// begin adds an operation and drops the oldest ended one when there are many.
func (o *Orchestrator) begin(kind, object string) *operation {
	now := o.opts.Now()
	op := &operation{Operation{Operation: kind, Object: object, Phase: "starting", StartedAt: now, UpdatedAt: now}}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.operations) >= keptOperations {
		if i := slices.IndexFunc(o.operations, func(p *operation) bool { return p.Finished }); i >= 0 {
			o.operations = slices.Delete(o.operations, i, i+1)
		}
	}
	o.operations = append(o.operations, op)
	return op
}

// step reports progress.
func (o *Orchestrator) step(op *operation, phase string, done, total int64, unit, message string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if op.Phase != phase {
		o.opts.Log.Debug("an operation enters a phase", "operation", op.Operation.Operation, "object", op.Object, "phase", phase, "elapsed", o.opts.Now().Sub(op.StartedAt))
	}
	op.Phase, op.Done, op.Total, op.Unit, op.Message, op.UpdatedAt = phase, done, max(done, total), unit, message, o.opts.Now()
}

// end closes an operation.
func (o *Orchestrator) end(op *operation, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	op.Finished, op.UpdatedAt = true, o.opts.Now()
	op.Phase, op.Message = "done", ""
	if err != nil {
		op.Phase, op.Message = "failed", err.Error()
	} else {
		op.Done = op.Total
	}
}

// Operations lists what is under way and what ended lately, the oldest first.
func (o *Orchestrator) Operations() []Operation {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := make([]Operation, len(o.operations))
	for i, op := range o.operations {
		out[i] = op.Operation
	}
	return out
}

// Percent is how far the phase has come, -1 when that is unknown.
func (p Operation) Percent() float64 {
	if p.Total <= 0 {
		return -1
	}
	return min(100, 100*float64(p.Done)/float64(p.Total))
}

// ETA is the time left at the speed so far; ok is false when nothing can be said.
func (p Operation) ETA() (left time.Duration, ok bool) {
	if p.Finished || p.Done <= 0 || p.Total < p.Done {
		return 0, false
	}
	spent := p.UpdatedAt.Sub(p.StartedAt)
	return time.Duration(float64(spent) * float64(p.Total-p.Done) / float64(p.Done)), true
}
