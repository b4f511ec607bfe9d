package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"foreshadow/sql/ast"
	"foreshadow/sql/result"
	"foreshadow/sql/types"
)

// planFields is SHOW REQUEST n PLAN: the plan line by line, for a terminal.
var planFields = []result.Field{column("plan", types.Text, -1)}

// showFields is SHOW REQUEST n: what an approver must have seen.
var showFields = append(append([]result.Field{}, requestFields...),
	column("kind", types.Text, -1), column("target", types.Text, -1), column("statement", types.Text, -1),
	column("proposer", types.Text, -1), column("expires_at", types.Text, -1), column("message", types.Text, -1))

// showRequest reads a request linearizably; its hash may then be approved in this session without being typed.
func showRequest(st ast.ShowRequest) handler {
	fields := showFields
	if st.Plan {
		fields = planFields
	}
	return handler{fields: fields, run: func(ctx context.Context, s *querySession, _ string) (outcome, error) {
		g, err := s.governance()
		if err != nil {
			return outcome{}, err
		}
		r, err := g.Show(ctx, st.ID)
		if err != nil {
			return outcome{}, err
		}
		s.shown[r.ID] = r.Hash
		out := outcome{tag: "SHOW"}
		if !st.Plan {
			expires := ""
			if !r.ExpiresAt.IsZero() {
				expires = r.ExpiresAt.UTC().Format("2006-01-02 15:04:05+00")
			}
			out.rows = [][]any{append(requestRow(r), r.Kind, r.Target, r.Statement, r.Proposer, orNull(expires), orNull(r.Message))}
			return out, nil
		}
		for _, line := range planLines(r.Plan) {
			out.rows = append(out.rows, []any{line})
		}
		return out, nil
	}}
}

// planLines indents a plan; one that is no JSON is shown as it is.
func planLines(plan json.RawMessage) []string {
	if len(plan) == 0 {
		return nil
	}
	var b bytes.Buffer
	if err := json.Indent(&b, plan, "", "  "); err != nil {
		return strings.Split(string(plan), "\n")
	}
	return strings.Split(b.String(), "\n")
}
