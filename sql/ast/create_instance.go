package ast

// CreateInstance is CREATE PREDICTIVE INSTANCE name [FROM SOURCE s] [AT HORIZON interval | AS OF ts] [WITH (...)]. It is governed.
// Horizon and AsOf are kept as text; at most one is set.
type CreateInstance struct {
	Name        string
	IfNotExists bool
	Source      string
	Horizon     string
	AsOf        string
	Params      Params
}

func (CreateInstance) statement() {}
