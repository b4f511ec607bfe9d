package ast

// Freeze is FREEZE [REASON '...']: either account stops everything at once.
type Freeze struct{ Reason string }

func (Freeze) statement() {}
