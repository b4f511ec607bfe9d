package state

import "strings"

// SetVerifier changes a login's password verifier. A login may change its own; the operator of an agent may set that of a reading
// login, and that of a member only while it has none: whoever could reset both accounts' passwords would be both accounts.
type SetVerifier struct {
	By       string `json:"by,omitempty"` // the login; "" is the operator
	Login    string `json:"login"`
	Verifier string `json:"verifier"`
}

func (c *SetVerifier) number() uint16 { return 2 }

// apply replaces the verifier; the audit entry never holds it.
func (c *SetVerifier) apply(x *step) (uint64, *Refusal) {
	m, ok := x.d.Members[c.Login]
	if !ok {
		return 0, refuse(codeUndefined, "login %q does not exist", c.Login)
	}
	if c.By != c.Login {
		if c.By != "" {
			return 0, refuse(codePrivilege, "login %q may not change the password of %q", c.By, c.Login)
		}
		if m.Account != "" && m.Verifier != "" {
			return 0, refuse(codePrivilege, "only %q may change this password: the login is a member of account %s", c.Login, m.Account).
				hint("A lost password is replaced by dropping the member and adding a new one, which both accounts approve.")
		}
	}
	if refusal := checkVerifier(c.Verifier); refusal != nil {
		return 0, refusal
	}
	m.Verifier = c.Verifier
	x.audit(actorName(c.By), "SET PASSWORD", 0, "login "+c.Login)
	return 0, nil
}

// checkVerifier accepts PostgreSQL's text form of a SCRAM verifier only.
func checkVerifier(v string) *Refusal {
	if !strings.HasPrefix(v, "SCRAM-SHA-256$") || strings.Count(v, "$") != 2 || len(v) > 1024 {
		return refuse(codeInvalid, "the password verifier is not of the form SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey")
	}
	return nil
}

// actorName is how the audit log names who did it; the operator of an agent has no login.
func actorName(login string) string {
	if login == "" {
		return "operator"
	}
	return login
}
