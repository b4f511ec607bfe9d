package ast

// AlterAccount is ALTER ACCOUNT a ADD | DROP MEMBER login. It is governed.
type AlterAccount struct {
	Account string
	Add     bool
	Member  string
}

func (AlterAccount) statement() {}
