// Package parse turns query strings into statements: it splits them, reads the statements of our own grammar, takes
// FOR SYSTEM_TIME out of PostgreSQL's, and gives syntax errors with PostgreSQL's wording and position.
// The engine calls it. It knows no catalog and decides nothing about meaning.
package parse

import (
	"foreshadow/sql/ast"
)

// rule reads what follows a statement's leading keywords. It returns nil when the text turns out to be PostgreSQL's own.
type rule func(*reader) ast.Statement

// statements are the rows of our grammar. The first whose lead matches reads the statement, so a longer lead stands before its prefix.
var statements = []struct {
	lead string
	rule rule
}{
	{"initialize predictive model", initializeModel},
	{"alter predictive model", alterModel},
	{"activate predictive instances", activateInstances},
	{"deactivate predictive instances", deactivateInstances},
	{"create predictive instance", createInstance},
	{"alter predictive instance", alterInstance},
	{"drop predictive instance", dropInstance},
	{"show request", showRequest},
	{"approve request", approveRequest},
	{"reject request", rejectRequest},
	{"revoke approval of request", revokeApproval},
	{"withdraw request", withdrawRequest},
	{"freeze", freeze},
	{"unfreeze", unfreeze},
	{"explain risk", explainRisk},
	{"verify audit", verifyAudit},
	{"verify shadow", verifyShadow},
	{"alter account", alterAccount},
	{"alter role", setPassword},
	{"alter user", setPassword},
}

// leads are the words that start no statement of PostgreSQL's, so that a mistake after them is told in our grammar's terms.
var leads = map[string]bool{"initialize": true, "activate": true, "deactivate": true, "approve": true, "reject": true, "withdraw": true, "verify": true}

// unterminated drops semicolons at the end, which drivers send along.
func unterminated(tokens []token) []token {
	n := len(tokens) - 1
	for n > 0 && tokens[n-1].kind == symbol && tokens[n-1].value == ";" {
		n--
	}
	return append(tokens[:n:n], token{kind: end, at: tokens[n].at})
}

// Statement reads one statement. PostgreSQL's own come back as ast.Postgres, not yet checked.
func Statement(sql string) (ast.Statement, error) {
	tokens := unterminated(lex(sql))
	if tokens[0].kind == end {
		return ast.Empty{}, nil
	}
	for _, s := range statements {
		p := &reader{sql: sql, tokens: tokens}
		if !p.accept(keywords(s.lead)...) {
			continue
		}
		st := s.rule(p)
		if st == nil {
			break
		}
		if p.err == nil && p.peek().kind != end {
			p.fail()
		}
		if p.err != nil {
			return nil, p.err
		}
		return st, nil
	}
	return foreign(sql, tokens)
}

// foreign is what follows when no row of ours matched: words that only we know fail at the token where the nearest row stops matching.
func foreign(sql string, tokens []token) (ast.Statement, error) {
	ours := tokens[0].kind == word && leads[tokens[0].value]
	if len(tokens) > 1 && tokens[1].kind == word && tokens[1].value == "predictive" {
		ours = true
	}
	if !ours {
		return ast.Postgres{Text: sql}, nil
	}
	longest := 0
	for _, s := range statements {
		n := 0
		for _, k := range keywords(s.lead) {
			if tokens[n].kind != word || tokens[n].value != k {
				break
			}
			n++
		}
		longest = max(longest, n)
	}
	return nil, unexpected(sql, tokens[longest])
}
