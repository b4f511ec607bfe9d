package engine

import (
	"context"
	_ "embed"
	"encoding/json"
	"regexp"
	"slices"

	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

//go:embed moments.sql
var momentsSQL string

// surroundings are what the meaning of a statement depends on: the schemas that are looked through for names, and with them in key the role, the
// mirror's server, which is another one after any change of the schema or of rights, and the settings by which PostgreSQL reads literals. asOf is
// the session's moment, nil for now.
type surroundings struct {
	asOf *string
	path []string
	key  string
}

// surroundings asks the mirror.
func (s *querySession) surroundings(ctx context.Context) (surroundings, error) {
	rows, err := s.mirror.Query(ctx, momentsSQL)
	if err != nil {
		return surroundings{}, err
	}
	var path []string
	if len(rows) != 1 || json.Unmarshal([]byte(text(rows[0][1])), &path) != nil {
		return surroundings{}, sqlerr.New(sqlerr.Internal, "the mirror gave no search path")
	}
	return surroundings{rows[0][0], path, text(rows[0][2])}, nil
}

// maxKnown and maxIdle bound what a session keeps: relations that it has resolved, and statements that nobody holds.
const (
	maxKnown = 1000
	maxIdle  = 16
)

// knownRelations are those that a session has resolved in the surroundings of key.
type knownRelations struct {
	key   string
	named map[string]*named
}

// in gives the relations that are known in some surroundings; there are none in new ones.
func (k *knownRelations) in(key string) map[string]*named {
	if k.named == nil || k.key != key || len(k.named) > maxKnown {
		k.key, k.named = key, map[string]*named{}
	}
	return k.named
}

// momentary finds texts with literals that PostgreSQL may read as another value later, such as 'today': they are read when a statement is prepared. What
// is written with escapes could be one of them.
var momentary = regexp.MustCompile(`(?i)today|tomorrow|yesterday|now([^(]|$)|timetz|time\s+with|\\|u&`)

// reuse gives a statement of the same text that nobody holds any more, if all that it was prepared from is as it was then. Clients that prepare each
// time, or send the same text again, are answered as if they had kept the statement.
func (s *querySession) reuse(ctx context.Context, t session.Text, oids []uint32) (session.Statement, error) {
	i := slices.IndexFunc(s.idle, func(st *shadowStatement) bool { return st.text.SQL == t.SQL && slices.Equal(st.asked, oids) })
	if i < 0 {
		return nil, nil
	}
	st := s.idle[i]
	now, err := s.surroundings(ctx)
	if err != nil {
		return nil, err
	}
	s.idle = slices.Delete(s.idle, i, i+1)
	if now.asOf != nil || now.key != st.key {
		st.forget()
		return nil, nil
	}
	st.text = t
	return st, nil
}

// keep makes a statement that is closed one that may be used again.
func (s *querySession) keep(st *shadowStatement) {
	s.idle = append(s.idle, st)
	if len(s.idle) > maxIdle {
		s.idle[0].forget()
		s.idle = slices.Delete(s.idle, 0, 1)
	}
}
