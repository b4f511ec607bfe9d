package engine

import (
	"context"
	"strings"

	"foreshadow/sql/ast"
	"foreshadow/sql/sqlerr"
)

// setPassword changes the caller's own password. The clear text never reaches the agent. The role under which the mirror
// answers counts as the caller too: it is what psql's \password is told when it asks for current_user.
func setPassword(st ast.SetPassword) handler {
	return handler{outsideBlock: true, run: func(ctx context.Context, s *querySession, _ string) (outcome, error) {
		switch {
		case st.Login != s.login.Name && st.Login != s.login.Role && st.Login != "current_user" && st.Login != "session_user":
			return outcome{}, sqlerr.New(sqlerr.InsufficientPrivilege, "permission denied to alter role").
				WithDetail("Only your own password can be changed.")
		case !strings.HasPrefix(st.Verifier, "SCRAM-SHA-256$"):
			return outcome{}, sqlerr.New(sqlerr.InvalidParameterValue, "the password must be given as a SCRAM-SHA-256 verifier").
				WithHint("In psql use \\password, which computes it.")
		}
		return outcome{tag: "ALTER ROLE"}, s.e.o.Logins.SetVerifier(ctx, s.login, st.Verifier)
	}}
}
