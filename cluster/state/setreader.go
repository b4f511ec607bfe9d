package state

// SetReader adds, changes or drops a reading login: one without an account, which decides nothing. The operator of an agent does it.
type SetReader struct {
	Login    string `json:"login"`
	Person   string `json:"person"`
	Role     string `json:"role,omitempty"`
	Verifier string `json:"verifier,omitempty"` // "" keeps the one it has
	Drop     bool   `json:"drop,omitempty"`
}

func (c *SetReader) number() uint16 { return 3 }

// apply never touches a member of an account.
func (c *SetReader) apply(x *step) (uint64, *Refusal) {
	m, exists := x.d.Members[c.Login]
	switch {
	case exists && m.Account != "":
		return 0, refuse(codePrivilege, "login %q is a member of account %s", c.Login, m.Account).
			hint("Members are changed by ALTER ACCOUNT, which both accounts approve.")
	case c.Drop && !exists:
		return 0, refuse(codeUndefined, "login %q does not exist", c.Login)
	case c.Drop:
		delete(x.d.Members, c.Login)
		x.audit("operator", "DROP LOGIN", 0, "login "+c.Login)
		return 0, nil
	}
	if refusal := checkLogin(c.Login, c.Person); refusal != nil {
		return 0, refusal
	}
	if c.Verifier != "" {
		if refusal := checkVerifier(c.Verifier); refusal != nil {
			return 0, refusal
		}
	}
	verifier := c.Verifier
	if verifier == "" && exists {
		verifier = m.Verifier
	}
	x.d.Members[c.Login] = &Member{Login: c.Login, Person: c.Person, Role: c.Role, Verifier: verifier}
	x.audit("operator", "SET LOGIN", 0, "login "+c.Login+" role "+c.Role)
	return 0, nil
}
