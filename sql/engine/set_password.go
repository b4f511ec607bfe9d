package engine

import (
	"context"
	"foreshadow/sql/ast"
	"foreshadow/sql/sqlerr"
	"strings"
)

// setPassword changes the caller's own password. The clear text never reaches the agent.
func setPassword(st ast.SetPassword) handler {
	return handler{outsideBlock: true, run: func(ctx context.Context, s *querySession, _ string) (outcome, error) {
		switch {
		case st.Login != s.login.Name && st.Login != "current_user" && st.Login != "session_user":
			return outcome{}, sqlerr.New(sqlerr.InsufficientPrivilege, "permission denied to alter role").
				WithDetail("Only your own password can be changed.")
		case !strings.HasPrefix(st.Verifier, "SCRAM-SHA-256$"):
			return outcome{}, sqlerr.New(sqlerr.InvalidParameterValue, "the password must be given as a SCRAM-SHA-256 verifier").
				WithHint("In psql use \\password, which computes it.")
		}
		return outcome{tag: "ALTER ROLE"}, s.e.o.Logins.SetVerifier(ctx, s.login, st.Verifier)
	}}
}
