package risk

import (
	"fmt"
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// addConstraint is ADD CONSTRAINT of every kind.
func (k *classifier) addConstraint(rv *pg.RangeVar, r *Relation, c *pg.AlterTableCmd) change {
	con := c.Def.GetConstraint()
	table := written(rv)
	switch con.Contype {
	case pg.ConstrType_CONSTR_CHECK:
		if con.SkipValidation {
			return catalogOnly(AccessExclusive, true)
		}
		if k.st.newer.notNull {
			scans := func(t *Relation) Effect { return Effect{Scan: !t.neverNull(columnOf(con.RawExpr))} }
			return change{lock: AccessExclusive, recurse: true, work: scans}
		}
		k.saferConstraint(table, con)
		return each(Effect{Scan: true}, true)
	case pg.ConstrType_CONSTR_FOREIGN:
		return k.addForeignKey(table, r, con)
	case pg.ConstrType_CONSTR_UNIQUE, pg.ConstrType_CONSTR_PRIMARY:
		return k.addKey(rv, r, con)
	case pg.ConstrType_CONSTR_EXCLUSION:
		return each(Effect{Builds: 1}, true)
	default:
		return catalogOnly(AccessExclusive, true)
	}
}

// saferConstraint adds the constraint without looking at the rows, and looks at them beside reads and writes.
func (k *classifier) saferConstraint(table string, con *pg.Constraint) {
	name := con.Conname
	if name == "" {
		name = strings.Trim(table, `"`) + "_check"
		if con.Contype == pg.ConstrType_CONSTR_FOREIGN {
			name = strings.Join(append([]string{strings.Trim(table, `"`)}, parts(con.FkAttrs)...), "_") + "_fkey"
		}
		name = name[strings.LastIndexByte(name, '.')+1:]
	}
	k.safer(func(n *pg.Node) {
		for _, c := range n.GetAlterTableStmt().GetCmds() {
			if d := c.GetAlterTableCmd().GetDef().GetConstraint(); d != nil && d.Contype == con.Contype {
				d.Conname, d.SkipValidation, d.InitiallyValid = name, true, false
			}
		}
	})
	k.say("ALTER TABLE " + table + " VALIDATE CONSTRAINT " + ident(name) + ";")
}

// addForeignKey looks every row up in the other table, with writes to both held up.
func (k *classifier) addForeignKey(table string, r *Relation, con *pg.Constraint) change {
	if con.SkipValidation && r.Kind == "p" && k.Version < 18 {
		k.step.Fails = "a foreign key of a partitioned table cannot be NOT VALID before PostgreSQL 18"
	}
	scans := !con.SkipValidation
	other, err := k.rel(con.Pktable, true)
	if err == nil && other != nil {
		k.on(Effect{Lock: ShareRowExclusive, Scan: scans && other.stored()}, k.tree(other, other.Kind != "p")...)
	}
	if scans && (r.Kind != "p" || k.Version >= 18) {
		k.saferConstraint(table, con)
	}
	return change{lock: ShareRowExclusive, recurse: r.Kind == "p", work: func(*Relation) Effect { return Effect{Scan: scans, Check: scans} }}
}

// family is a relation and, for a partitioned one, its partitions; empty where the script makes it.
func (k *classifier) family(rv *pg.RangeVar) []*Relation {
	r := k.relation(k.Named[key(rv)])
	if r == nil {
		return nil
	}
	return k.tree(r, r.Kind != "p")
}

// addKey builds a unique index, or takes one that is there.
func (k *classifier) addKey(rv *pg.RangeVar, r *Relation, con *pg.Constraint) change {
	primary := con.Contype == pg.ConstrType_CONSTR_PRIMARY
	columns := parts(con.Keys)
	if con.Indexname != "" {
		i := slices.IndexFunc(r.Indexes, func(i Index) bool { return strings.HasSuffix(i.Name, "."+con.Indexname) })
		if i < 0 {
			if !k.made[quote(con.Indexname)] {
				k.step.Fails = fmt.Sprintf("index %q of %s does not exist", con.Indexname, r.Name)
			}
			return catalogOnly(AccessExclusive, false)
		}
		index := r.Indexes[i]
		if !index.Unique || !index.Valid || !index.Whole || index.Expressions {
			k.step.Fails = fmt.Sprintf("index %q is not a valid unique index of plain columns", con.Indexname)
		}
		for _, c := range r.Columns {
			if slices.Contains(index.Columns, c.Number) {
				columns = append(columns, c.Name)
			}
		}
		if con.Conname != "" && con.Conname != con.Indexname { // it is renamed
			k.on(Effect{Lock: ShareUpdateExclusive}, k.relation(index.OID))
		}
		nullable := primary && slices.ContainsFunc(columns, func(c string) bool { return !r.neverNull(c) })
		if nullable {
			k.step.Notes = append(k.step.Notes, "its columns may hold NULL as far as the catalog knows: every row is looked at")
			for _, c := range columns {
				k.say(notNullSteps(written(rv), ident(c))...)
			}
		}
		return each(Effect{Scan: nullable}, false)
	}
	if r.Kind == "p" {
		k.step.Notes = append(k.step.Notes, "of a partitioned table: add it to ONLY the parent, build each partition's unique index concurrently, add the constraint USING INDEX there, and ALTER INDEX ... ATTACH PARTITION")
	} else {
		k.saferKey(rv, r, con, columns, primary)
	}
	ch := each(Effect{Builds: 1}, true)
	if !primary && k.Version < 18 || primary && !slices.ContainsFunc(columns, func(c string) bool { return !r.neverNull(c) }) {
		ch.below = Share
	}
	return ch
}

// saferKey builds the index beside reads and writes first.
func (k *classifier) saferKey(rv *pg.RangeVar, r *Relation, con *pg.Constraint, columns []string, primary bool) {
	kind, suffix := "UNIQUE", "_key"
	name := con.Conname
	if primary {
		kind, suffix = "PRIMARY KEY", "_pkey"
	}
	if name == "" {
		name = rv.Relname + "_" + strings.Join(columns, "_") + suffix
		if primary {
			name = rv.Relname + suffix
		}
	}
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = ident(c)
	}
	table := written(rv)
	k.say("CREATE UNIQUE INDEX CONCURRENTLY " + ident(name) + " ON " + table + " (" + strings.Join(list, ", ") + ");")
	for i, c := range columns {
		if primary && !r.neverNull(c) {
			k.say(notNullSteps(table, list[i])...)
		}
	}
	k.say("ALTER TABLE " + table + " ADD CONSTRAINT " + ident(name) + " " + kind + " USING INDEX " + ident(name) + ";")
}

// validate scans beside reads and writes.
func (k *classifier) validate(r *Relation, c *pg.AlterTableCmd) change {
	con, ok := r.constraint(c.Name)
	if !ok {
		k.step.Notes = append(k.step.Notes, fmt.Sprintf("constraint %q is not known yet; taken for a CHECK", c.Name))
	}
	scans := !ok || !con.Valid
	if con.Type == "f" {
		if scans {
			k.on(Effect{Lock: RowShare, Scan: true}, k.relation(con.References))
		}
		return change{lock: ShareUpdateExclusive, recurse: r.Kind == "p", work: func(*Relation) Effect { return Effect{Scan: scans, Check: scans} }}
	}
	return change{lock: ShareUpdateExclusive, recurse: true, work: func(*Relation) Effect { return Effect{Scan: scans} }}
}

// dropConstraint of a foreign key locks the other table too, whose triggers go.
func (k *classifier) dropConstraint(r *Relation, c *pg.AlterTableCmd) change {
	con, ok := r.constraint(c.Name)
	if !ok {
		if !c.MissingOk {
			k.step.Fails = fmt.Sprintf("constraint %q of %s does not exist", c.Name, r.Name)
		}
		return catalogOnly(AccessExclusive, true)
	}
	switch con.Type {
	case "f":
		k.on(Effect{Lock: AccessExclusive}, k.relation(con.References))
		return catalogOnly(AccessExclusive, r.Kind == "p")
	case "u", "p", "x":
		k.on(Effect{Lock: AccessExclusive}, k.relation(con.Index))
		for _, o := range k.Relations {
			if slices.ContainsFunc(o.Constraints, func(f Constraint) bool { return f.Type == "f" && f.Index == con.Index }) {
				k.needsCascade(c.Behavior, "a foreign key of "+o.Name+" needs it")
				if c.Behavior == pg.DropBehavior_DROP_CASCADE {
					k.on(Effect{Lock: AccessExclusive}, o)
				}
			}
		}
	}
	return catalogOnly(AccessExclusive, true)
}

// columnOf is the column of an expression column IS NOT NULL.
func columnOf(expr *pg.Node) string {
	return last(expr.GetNullTest().GetArg().GetColumnRef().GetFields())
}
