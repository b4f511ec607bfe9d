package ast

// AlterInstance is ALTER PREDICTIVE INSTANCE [IF EXISTS] name SET (...). It is governed.
type AlterInstance struct {
	Name     string
	IfExists bool
	Params   Params
}

func (AlterInstance) statement() {}
