package ast

// AlterModel is ALTER PREDICTIVE MODEL SET (...). It is governed.
type AlterModel struct{ Params Params }

func (AlterModel) statement() {}
