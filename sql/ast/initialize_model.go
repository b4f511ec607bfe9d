package ast

// InitializeModel is INITIALIZE PREDICTIVE MODEL [FOR SOURCE s] [WITH (...)]. It is governed.
type InitializeModel struct {
	Source string // "" = the source of the connection
	Params Params
}

func (InitializeModel) statement() {}
