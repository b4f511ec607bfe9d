package engine

import (
	"context"
	_ "embed"
	"regexp"
	"strings"

	"foreshadow/sql/rewrite"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

//go:embed functions.sql
var functionsSQL string

// writing are functions of PostgreSQL's that change something whatever the transaction says, or as soon as it is made READ WRITE.
var writing = map[string]bool{"nextval": true, "setval": true, "lo_creat": true, "lo_create": true, "lo_from_bytea": true, "lo_put": true,
	"lo_open": true, "lowrite": true, "lo_unlink": true, "lo_truncate": true, "lo_truncate64": true, "lo_import": true, "lo_export": true,
	"pg_logical_emit_message": true}

// asking are functions of PostgreSQL's that run a query or read a table given to them as text: in the mirror, which has no rows.
var asking = regexp.MustCompile(`^(query|table|cursor|schema|database)_to_xml(_and_xmlschema)?$|^ts_stat$`)

// prepareChecked gives a statement to the mirror unless it calls a function that would write there or miss the rows.
func (s *querySession) prepareChecked(ctx context.Context, t session.Text, q *rewrite.Query, oids []uint32) (session.Statement, error) {
	if err := s.checkFunctions(ctx, q.Functions()); err != nil {
		return nil, err
	}
	if v, ok := q.SetTo(asOfSetting); ok {
		return s.prepareMirror(ctx, t, &v, oids)
	}
	return s.prepareMirror(ctx, t, nil, oids)
}

// checkFunctions refuses what is known to write or to read tables. Functions that users of the primary wrote may do either
// unless they are immutable; those of extensions do not, but for a few.
func (s *querySession) checkFunctions(ctx context.Context, called []rewrite.FunctionName) error {
	var schemas, names []string
	for _, f := range called {
		switch {
		case f.Schema == "" && writing[f.Name]:
			return sqlerr.New(sqlerr.ReadOnlyTransaction, "cannot execute %s() in a read-only transaction", f.Name).
				WithHint("Foreshadow shows the history of the primary and changes nothing in it; write to the primary itself.")
		case f.Schema == "" && asking.MatchString(f.Name):
			return sqlerr.New(sqlerr.FeatureNotSupported, "function %s is not supported", f.Name).
				WithHint("It would look for rows where there are none; write the query itself.")
		}
		schemas, names = append(schemas, f.Schema), append(names, f.Name)
	}
	if len(names) == 0 || s.mirror.TxStatus() == 'E' {
		return nil
	}
	rows, err := s.mirror.Query(ctx, functionsSQL, arrayOf(schemas), arrayOf(names))
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return nil
	}
	hint := "Its body may read tables, whose rows are in the shadow; write its query itself, or call it in a predictive instance."
	if text(rows[0][1]) == "foreshadow" {
		hint = "Write foreshadow." + text(rows[0][0]) + "(...)."
	}
	return sqlerr.New(sqlerr.FeatureNotSupported, "function %s of schema %s does not run here", text(rows[0][0]), text(rows[0][1])).WithHint("%s", hint)
}

// arrayOf is a text array for a parameter.
func arrayOf(items []string) string {
	quoted := make([]string, len(items))
	for i, k := range items {
		quoted[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(k) + `"`
	}
	return "{" + strings.Join(quoted, ",") + "}"
}

// portals are the names that the agent gives to portals in the mirror, at the head of a context line.
var portals = regexp.MustCompile(`^portal "foreshadow_[a-z]+\d+"`)

// unportaled words the context of an error in a parameter as for the unnamed portal, which is what the client sent it to.
func unportaled(err error) error {
	e := sqlerr.From(err)
	if !portals.MatchString(e.Where) {
		return err
	}
	shown := *e
	shown.Where = portals.ReplaceAllString(e.Where, "unnamed portal")
	return &shown
}
