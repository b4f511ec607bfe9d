package ast

// Unfreeze is UNFREEZE [REASON '...']. It is governed.
type Unfreeze struct{ Reason string }

func (Unfreeze) statement() {}
