package ast

// ApproveRequest is APPROVE REQUEST n [HASH '...']. Without a hash it approves what this session was shown.
type ApproveRequest struct {
	ID   int64
	Hash string
}

func (ApproveRequest) statement() {}
