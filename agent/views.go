package agent

import (
	"context"
	"strings"
	"time"

	"foreshadow/agent/change"
	"foreshadow/agent/ingest"
	"foreshadow/sql/engine"
	"foreshadow/sql/result"
)

// views are the relations of schema foreshadow that the agent computes, each with its columns in the order of the schema's definition.
func (a *Agent) views() map[string]engine.View {
	return map[string]engine.View{
		"capture_status": a.captureStatus, "models": a.models, "requests": a.requests, "approvals": a.approvals, "accounts": a.accounts,
		"members": a.members, "audit_log": a.auditLog, "cluster_members": a.clusterMembers, "instances": a.instanceList,
		"operations": a.operations, "instance_reports": a.instanceReports, "settings": a.settingList,
	}
}

// columns reads "name type, name type" as a table's columns; types are DuckDB's.
func columns(name, text string) result.Table {
	t := result.Table{Name: name}
	for _, c := range strings.Split(text, ", ") {
		column, typ, _ := strings.Cut(c, " ")
		t.Columns = append(t.Columns, result.TableColumn{Name: column, Type: typ})
	}
	return t
}

// moment is NULL for a time that is not set.
func moment(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

// text is NULL when empty.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (a *Agent) captureStatus(context.Context, engine.Login) (result.Table, error) {
	t := columns("capture_status", "source VARCHAR, state VARCHAR, slot VARCHAR, received_lsn UBIGINT, confirmed_lsn UBIGINT, sealed_lsn UBIGINT, sealed_at TIMESTAMPTZ, last_commit_time TIMESTAMPTZ, lag_ms DOUBLE, changes BIGINT, transactions BIGINT, retained_bytes BIGINT, message VARCHAR, verified_at TIMESTAMPTZ, verified_lsn UBIGINT")
	s, v := a.ingest.Status(), a.verifier.Status()
	sealed, at := a.shadow.Sealed()
	messages := a.mirror.Warnings()
	for _, m := range []string{s.Message, s.Warning, s.LeftOut, v.Message} {
		if m != "" {
			messages = append(messages, m)
		}
	}
	var verified any
	if v.LSN > 0 {
		verified = int64(v.LSN)
	}
	t.Rows = [][]any{{a.database, s.State, s.Slot, int64(s.Received), int64(s.Confirmed), int64(sealed), moment(at), moment(s.LastCommit), s.LagMs, s.Changes, s.Transactions, s.Retained, text(strings.Join(messages, "; ")),
		moment(v.At), verified}}
	return t, nil
}

func (a *Agent) models(ctx context.Context, _ engine.Login) (result.Table, error) {
	return a.predictor.Tables().Models(ctx)
}

func (a *Agent) requests(context.Context, engine.Login) (result.Table, error) {
	t := columns("requests", "request_id BIGINT, state VARCHAR, kind VARCHAR, target VARCHAR, statement VARCHAR, proposer VARCHAR, proposed_at TIMESTAMPTZ, expires_at TIMESTAMPTZ, hash VARCHAR, plan VARCHAR, missing VARCHAR, fence BIGINT, message VARCHAR")
	for _, r := range a.cluster.Requests() {
		var fence any
		if r.Fence != 0 {
			fence = int64(r.Fence)
		}
		t.Rows = append(t.Rows, []any{int64(r.ID), string(r.Phase), string(r.Kind), r.Target.String(), r.Statement, r.Proposer, r.ProposedAt.Time(),
			r.ExpiresAt.Time(), r.Hash, r.Plan, text(a.cluster.Missing(r.ID)), fence, text(r.Message)})
	}
	return t, nil
}

func (a *Agent) approvals(context.Context, engine.Login) (result.Table, error) {
	t := columns("approvals", "request_id BIGINT, account VARCHAR, member VARCHAR, hash VARCHAR, approved_at TIMESTAMPTZ, revoked BOOLEAN")
	for _, p := range a.cluster.Approvals() {
		t.Rows = append(t.Rows, []any{int64(p.RequestID), p.Account, p.Login, p.Hash, p.At.Time(), p.Revoked})
	}
	return t, nil
}

func (a *Agent) accounts(context.Context, engine.Login) (result.Table, error) {
	t := columns("accounts", "account VARCHAR, epoch BIGINT, members BIGINT")
	for _, c := range a.cluster.Accounts() {
		t.Rows = append(t.Rows, []any{c.Name, int64(c.Epoch), int64(c.Members)})
	}
	return t, nil
}

func (a *Agent) members(context.Context, engine.Login) (result.Table, error) {
	t := columns("members", "account VARCHAR, member VARCHAR, person VARCHAR")
	for _, m := range a.cluster.Members() {
		if m.Account != "" {
			t.Rows = append(t.Rows, []any{m.Account, m.Login, m.Person})
		}
	}
	return t, nil
}

func (a *Agent) auditLog(context.Context, engine.Login) (result.Table, error) {
	t := columns("audit_log", "seq BIGINT, at TIMESTAMPTZ, actor VARCHAR, action VARCHAR, request_id BIGINT, detail VARCHAR, prev_hash VARCHAR, hash VARCHAR")
	for _, e := range a.cluster.Audit(0) {
		var request any
		if e.Request != 0 {
			request = int64(e.Request)
		}
		t.Rows = append(t.Rows, []any{int64(e.Seq), e.At.Time(), e.Actor, e.Action, request, text(e.Detail), e.Prev, e.Hash})
	}
	return t, nil
}

func (a *Agent) clusterMembers(ctx context.Context, _ engine.Login) (result.Table, error) {
	t := columns("cluster_members", "agent VARCHAR, address VARCHAR, voter BOOLEAN, leader BOOLEAN, self BOOLEAN, applied_index BIGINT")
	members, err := a.cluster.ClusterMembers(ctx)
	for _, m := range members {
		var applied any
		if m.Reached {
			applied = int64(m.AppliedIndex)
		}
		t.Rows = append(t.Rows, []any{m.ID, m.Addr, m.Voter, m.Leader, m.Self, applied})
	}
	return t, err
}

func (a *Agent) instanceList(context.Context, engine.Login) (result.Table, error) {
	t := columns("instances", "name VARCHAR, state VARCHAR, source VARCHAR, fidelity VARCHAR, horizon TIMESTAMPTZ, as_of_lsn UBIGINT, request_id BIGINT, size_bytes BIGINT, max_size BIGINT, created_at TIMESTAMPTZ, expires_at TIMESTAMPTZ, message VARCHAR")
	for _, i := range a.instances.List() {
		t.Rows = append(t.Rows, []any{i.Name, i.State, i.Source, i.Fidelity, moment(i.Horizon), position(i.AsOfLSN), i.RequestID, i.SizeBytes, i.MaxSize,
			moment(i.CreatedAt), moment(i.ExpiresAt), text(i.Message)})
	}
	return t, nil
}

func (a *Agent) operations(context.Context, engine.Login) (result.Table, error) {
	t := columns("operations", "operation VARCHAR, object VARCHAR, phase VARCHAR, done BIGINT, total BIGINT, unit VARCHAR, percent DOUBLE, started_at TIMESTAMPTZ, updated_at TIMESTAMPTZ, eta INTERVAL, message VARCHAR")
	for _, o := range a.ingest.Operations() {
		var eta any
		if left, ok := o.ETA(); ok {
			eta = left.Round(time.Second).String()
		}
		t.Rows = append(t.Rows, []any{o.Name, o.Object, o.Phase, o.Done, o.Total, o.Unit, percent(o), o.Started, o.Updated, eta, text(o.Message)})
	}
	for _, o := range a.instances.Operations() {
		var share, eta any
		if p := o.Percent(); p >= 0 {
			share = p
		}
		if left, ok := o.ETA(); ok {
			eta = left.Round(time.Second).String()
		}
		t.Rows = append(t.Rows, []any{o.Operation, o.Object, o.Phase, o.Done, o.Total, o.Unit, share, o.StartedAt, o.UpdatedAt, eta, text(o.Message)})
	}
	return t, nil
}

func percent(o ingest.Operation) any {
	if o.Total <= 0 {
		return nil
	}
	return min(100, 100*float64(o.Done)/float64(o.Total))
}

func (a *Agent) instanceReports(context.Context, engine.Login) (result.Table, error) {
	t := columns("instance_reports", "name VARCHAR, relation VARCHAR, source_rows BIGINT, projected_rows BIGINT, actual_rows BIGINT, size_bytes BIGINT, check_name VARCHAR, result VARCHAR")
	for _, r := range a.instances.Reports() {
		t.Rows = append(t.Rows, []any{r.Name, text(r.Relation), count(r.SourceRows), count(r.ProjectedRows), count(r.ActualRows), count(r.SizeBytes), r.CheckName, r.Result})
	}
	return t, nil
}

// count is NULL for a number that says nothing.
func count(n int64) any {
	if n < 0 {
		return nil
	}
	return n
}

// position is NULL for a text that is no position.
func position(s string) any {
	lsn, err := change.ParseLSN(s)
	if err != nil {
		return nil
	}
	return int64(lsn)
}
