package ast

// WithdrawRequest is WITHDRAW REQUEST n, by its proposer.
type WithdrawRequest struct{ ID int64 }

func (WithdrawRequest) statement() {}
