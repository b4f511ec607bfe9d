package ast

// RevokeApproval is REVOKE APPROVAL OF REQUEST n: the caller takes back the approval that he gave.
type RevokeApproval struct{ ID int64 }

func (RevokeApproval) statement() {}
