package ast

// DropInstance is DROP PREDICTIVE INSTANCE [IF EXISTS] name. It is governed.
type DropInstance struct {
	Name     string
	IfExists bool
}

func (DropInstance) statement() {}
