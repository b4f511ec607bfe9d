package engine

import (
	"context"
	_ "embed"
	"encoding/json"
	"strconv"
	"strings"

	"foreshadow/sql/rewrite"
	"foreshadow/sql/sqlerr"
)

//go:embed resolve.sql
var resolveSQL string

//go:embed rights.sql
var rightsSQL string

// named is a relation as the mirror resolved its name with the session's search_path.
type named struct {
	*rewrite.Relation
	kind           string
	system         bool // the catalog's, or temporary: the mirror's own
	rowSecurity    bool
	hasChildren    bool
	viewDefinition string
}

// unlogged is the kind of an unlogged table, which pg_class tells from other tables elsewhere.
const unlogged = "u"

// maxViews bounds views of views.
const maxViews = 50

// resolve finds what the statement's names mean and puts views' definitions in their places. Names the mirror does not know
// are left out: PostgreSQL will word that error. shadowed says that the shadow or the agent must answer.
func (s *querySession) resolve(ctx context.Context, q *rewrite.Query, key string) (rels map[string]*named, shadowed bool, err error) {
	rels = map[string]*named{}
	shadowed = q.Touches()
	known := s.relations.in(key)
	for range maxViews {
		var keys, unknown []string
		for _, n := range q.Relations() {
			key := n.Key()
			if rels[key] != nil {
				continue
			}
			keys = append(keys, key)
			if rels[key] = known[key]; rels[key] == nil {
				unknown = append(unknown, key)
			}
		}
		if len(keys) == 0 {
			break
		}
		if err := s.lookUp(ctx, unknown, known); err != nil {
			return nil, false, err
		}
		for _, key := range unknown {
			if rels[key] = known[key]; rels[key] == nil {
				rels[key] = &named{system: true}
			}
		}
		if q.Kind != rewrite.Select {
			break
		}
		for _, key := range keys {
			if d := rels[key].viewDefinition; d != "" {
				if err := q.ExpandView(key, d); err != nil {
					return nil, false, err
				}
			}
		}
	}
	for _, n := range q.Relations() {
		if r := rels[n.Key()]; !r.system {
			shadowed = true
		}
	}
	return rels, shadowed, nil
}

// lookUp asks the mirror once for many names.
func (s *querySession) lookUp(ctx context.Context, keys []string, rels map[string]*named) error {
	if len(keys) == 0 {
		return nil
	}
	rows, err := s.mirror.Query(ctx, resolveSQL, arrayOf(keys))
	if err != nil {
		return err
	}
	for _, r := range rows {
		n, err := readNamed(r)
		if err != nil {
			return err
		}
		rels[text(r[0])] = n
	}
	return nil
}

// text is a value or "" for NULL.
func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// yes reads a boolean in either of PostgreSQL's spellings.
func yes(p *string) bool { return text(p) == "true" || text(p) == "t" }

func readNamed(r []*string) (*named, error) {
	oid, err := strconv.ParseUint(text(r[1]), 10, 32)
	if err != nil {
		return nil, sqlerr.New(sqlerr.Internal, "the mirror gave no oid")
	}
	n := &named{Relation: &rewrite.Relation{OID: uint32(oid), Schema: text(r[2]), Name: text(r[3])}, kind: text(r[4]), system: yes(r[5]),
		rowSecurity: yes(r[6]), hasChildren: yes(r[7]), viewDefinition: text(r[8])}
	n.Parent = n.kind == "p"
	if len(r) > 10 && r[10] != nil {
		if err := json.Unmarshal([]byte(*r[10]), &n.Key); err != nil {
			return nil, sqlerr.New(sqlerr.Internal, "the mirror gave no primary key")
		}
	}
	var cols [][]any
	if r[9] != nil {
		if err := json.Unmarshal([]byte(*r[9]), &cols); err != nil {
			return nil, sqlerr.New(sqlerr.Internal, "the mirror gave no columns")
		}
	}
	for _, c := range cols {
		name, _ := c[0].(string)
		typ, _ := c[1].(float64)
		mod, _ := c[2].(float64)
		enum, _ := c[3].(bool)
		collated, _ := c[4].(bool)
		generated := len(c) > 5 && c[5] == true
		cased := len(c) > 6 && c[6] == true
		n.Columns = append(n.Columns, rewrite.Column{Name: name, OID: uint32(typ), TypMod: int32(mod), Enum: enum, Generated: generated, Collation: rewrite.Collation{Collated: collated, Cased: cased}})
	}
	if len(r) > 12 {
		n.Default = rewrite.Collation{Collated: yes(r[11]), Cased: yes(r[12])}
	}
	return n, nil
}

// rights are what a login may see of the agent's own relations: readable nil means all tables.
type rights struct {
	readable []uint32
	stats    bool
}

// rightsOf asks the mirror under the login's role.
func (s *querySession) rightsOf(ctx context.Context) (rights, error) {
	rows, err := s.mirror.Query(ctx, rightsSQL)
	if err != nil {
		return rights{}, err
	}
	if len(rows) != 1 {
		return rights{}, sqlerr.New(sqlerr.Internal, "the mirror gave no rights")
	}
	r := rights{stats: yes(rows[0][1])}
	if yes(rows[0][0]) {
		return r, nil
	}
	r.readable = []uint32{}
	for _, o := range strings.Split(text(rows[0][2]), ",") {
		if n, err := strconv.ParseUint(o, 10, 32); err == nil {
			r.readable = append(r.readable, uint32(n))
		}
	}
	return r, nil
}

// usable refuses relations that the shadow cannot answer for.
func usable(n *named) error {
	name := n.Schema + "." + n.Name
	switch {
	case n.rowSecurity:
		return sqlerr.New(sqlerr.InsufficientPrivilege, "table \"%s\" has row-level security, which the shadow does not apply", name).
			WithHint("Ask with a role that bypasses row-level security.")
	case n.kind == "m" || n.kind == "f" || n.kind == "S" || n.kind == unlogged:
		return sqlerr.New(sqlerr.FeatureNotSupported, "\"%s\" is not a captured table", name).
			WithHint("The log has no rows of materialized views, foreign tables, unlogged tables and sequences; ask the tables they are made of.")
	case n.hasChildren:
		return sqlerr.New(sqlerr.FeatureNotSupported, "\"%s\" has tables that inherit from it, which the shadow does not join", name)
	}
	return nil
}
