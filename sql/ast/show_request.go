package ast

// ShowRequest is SHOW REQUEST n [PLAN]. It shows a request to the session, which may then approve it without naming its hash.
type ShowRequest struct {
	ID   int64
	Plan bool // one row per line of the plan
}

func (ShowRequest) statement() {}
