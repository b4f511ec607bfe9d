package ast

// VerifyShadow is VERIFY SHADOW [TABLE t, ...]: the shadow is compared with the primary. A table is its name's parts; none means all tables.
type VerifyShadow struct{ Tables [][]string }

func (VerifyShadow) statement() {}
