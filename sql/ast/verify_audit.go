package ast

// VerifyAudit is VERIFY AUDIT: the chain of hashes is computed again.
type VerifyAudit struct{}

func (VerifyAudit) statement() {}
