package ast

// RejectRequest is REJECT REQUEST n [REASON '...'].
type RejectRequest struct {
	ID     int64
	Reason string
}

func (RejectRequest) statement() {}
