package ast

// SetPassword is ALTER ROLE | USER login PASSWORD 'SCRAM-SHA-256$...', as psql's \password sends it. A password in clear is refused.
type SetPassword struct {
	Login    string
	Verifier string
}

func (SetPassword) statement() {}
