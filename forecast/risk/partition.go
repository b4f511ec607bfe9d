package risk

import (
	"slices"
	"strings"
	"time"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// attach scans the new partition, unless a CHECK proves what the bound says, and the default partition for rows that belong elsewhere.
func (k *classifier) attach(rv *pg.RangeVar, r *Relation, p *pg.PartitionCmd) change {
	child, err := k.rel(p.Name, true)
	if err != nil || r.Kind == "I" {
		return catalogOnly(ShareUpdateExclusive, false)
	}
	k.defaultPartition(r, p.Bound)
	k.foreignKeysOf(r, ShareRowExclusive)
	k.indexes(r, ShareUpdateExclusive)
	if child == nil {
		return catalogOnly(ShareUpdateExclusive, false)
	}
	for _, c := range child.Constraints { // its own foreign keys become parts of the parent's
		if c.Type == "f" && slices.ContainsFunc(r.Constraints, func(o Constraint) bool { return o.Type == "f" && o.References == c.References }) {
			k.on(Effect{Lock: AccessExclusive}, k.relation(c.References))
		}
	}
	missing := k.missingIndexes(r, child)
	for _, t := range k.tree(child, false) {
		k.on(Effect{Lock: AccessExclusive, Scan: t.stored() && !k.proves(t, r, p.Bound), Builds: len(missing)}, t)
	}
	table := written(p.Name)
	for _, i := range missing {
		unique := ""
		if i.Unique {
			unique = "UNIQUE "
		}
		columns := namesOf(r, i.Columns)
		for c := range columns {
			columns[c] = ident(columns[c])
		}
		k.say("CREATE " + unique + "INDEX CONCURRENTLY ON " + table + " (" + strings.Join(columns, ", ") + ");")
	}
	if check := boundCheck(r, p.Bound); check != "" && !k.proves(child, r, p.Bound) {
		name := ident(p.Name.Relname + "_bound")
		k.say("ALTER TABLE "+table+" ADD CONSTRAINT "+name+" CHECK ("+check+") NOT VALID;", "ALTER TABLE "+table+" VALIDATE CONSTRAINT "+name+";",
			strings.TrimSuffix(k.st.text, ";")+";", "ALTER TABLE "+table+" DROP CONSTRAINT "+name+";")
	}
	return catalogOnly(ShareUpdateExclusive, false)
}

// defaultPartition must hold no row of a new partition's.
func (k *classifier) defaultPartition(r *Relation, bound *pg.PartitionBoundSpec) {
	if d := k.relation(r.Default); d != nil && !bound.GetIsDefault() {
		for _, t := range k.tree(d, false) {
			k.on(Effect{Lock: AccessExclusive, Scan: t.stored()}, t)
		}
		k.step.Notes = append(k.step.Notes, "the default partition "+d.Name+" is scanned too, unless a valid CHECK of its own rules the new bound out")
	}
}

// foreignKeysOf locks the tables that a partitioned table refers to, as each partition gets the key.
func (k *classifier) foreignKeysOf(r *Relation, lock Lock) {
	for _, c := range r.Constraints {
		if c.Type == "f" {
			k.on(Effect{Lock: lock}, k.relation(c.References))
		}
	}
}

// missingIndexes are the indexes of a partitioned table that a table has no match for.
func (k *classifier) missingIndexes(parent, child *Relation) (missing []Index) {
	for _, p := range parent.Indexes {
		if p.Expressions {
			continue // whether it has a match cannot be told from here
		}
		match := slices.ContainsFunc(child.Indexes, func(c Index) bool {
			return c.Valid && !c.Expressions && c.Unique == p.Unique && slices.Equal(namesOf(child, c.Columns), namesOf(parent, p.Columns))
		})
		if !match {
			missing = append(missing, p)
		}
	}
	return missing
}

// namesOf are the names of columns.
func namesOf(r *Relation, numbers []int16) []string {
	var out []string
	for _, n := range numbers {
		if i := slices.IndexFunc(r.Columns, func(c Column) bool { return c.Number == n }); i >= 0 {
			out = append(out, r.Columns[i].Name)
		}
	}
	return out
}

// proves says whether a table's valid CHECKs hold all that a bound asks for.
func (k *classifier) proves(t, parent *Relation, bound *pg.PartitionBoundSpec) bool {
	wanted := boundOf(parent, bound)
	if wanted == nil {
		return false
	}
	zone := zoneOf(k.TimeZone)
	var have []predicate
	for _, c := range t.Constraints {
		if c.Type == "c" && c.Valid {
			have = append(have, conjuncts(c.Check)...)
		}
	}
	for _, w := range wanted {
		if w.notNull && t.neverNull(w.column) {
			continue
		}
		if !slices.ContainsFunc(have, func(h predicate) bool { return h.implies(w, zone) }) {
			return false
		}
	}
	return true
}

// implies says whether p is the same as w, or allows only values that w allows.
func (p predicate) implies(w predicate, zone *time.Location) bool {
	same := func(a, b string) bool { return sameConstant(a, b, zone) }
	if p.column != w.column || p.notNull != w.notNull {
		return false
	}
	if w.op == "IN" && (p.op == "IN" || p.op == "=") {
		return !slices.ContainsFunc(p.values, func(v string) bool {
			return !slices.ContainsFunc(w.values, func(o string) bool { return same(v, o) })
		})
	}
	return p.op == w.op && slices.EqualFunc(p.values, w.values, same)
}

// boundOf is what a bound asks of rows, for one column by range or list; nil for what is not understood.
func boundOf(parent *Relation, b *pg.PartitionBoundSpec) []predicate {
	if b == nil || b.IsDefault || len(parent.Key) != 1 {
		return nil
	}
	names := namesOf(parent, parent.Key)
	if len(names) != 1 {
		return nil
	}
	out := []predicate{{column: names[0], notNull: true}}
	switch parent.Strategy {
	case "l":
		p := predicate{column: names[0], op: "IN"}
		for _, n := range b.Listdatums {
			v, ok := constant(bare(n))
			if !ok {
				return nil
			}
			p.values = append(p.values, v)
		}
		return append(out, p)
	case "r":
		for _, side := range []struct {
			op    string
			datum []*pg.Node
		}{{">=", b.Lowerdatums}, {"<", b.Upperdatums}} {
			if len(side.datum) != 1 {
				return nil
			}
			if word := last(side.datum[0].GetColumnRef().GetFields()); word == "minvalue" || word == "maxvalue" {
				continue
			}
			v, ok := constant(bare(side.datum[0]))
			if !ok {
				return nil
			}
			out = append(out, predicate{column: names[0], op: side.op, values: []string{v}})
		}
		return out
	}
	return nil
}

// boundCheck words a bound as the expression of a CHECK; empty for what is not understood.
func boundCheck(parent *Relation, b *pg.PartitionBoundSpec) string {
	var out []string
	for _, p := range boundOf(parent, b) {
		quotedValues := make([]string, len(p.values))
		for i, v := range p.values {
			quotedValues[i] = "'" + strings.ReplaceAll(v, "'", "''") + "'"
		}
		switch {
		case p.notNull:
			out = append(out, ident(p.column)+" IS NOT NULL")
		case p.op == "IN":
			out = append(out, ident(p.column)+" IN ("+strings.Join(quotedValues, ", ")+")")
		default:
			out = append(out, ident(p.column)+" "+p.op+" "+quotedValues[0])
		}
	}
	return strings.Join(out, " AND ")
}

// detach takes the whole table's lock unless it is done concurrently.
func (k *classifier) detach(r *Relation, c *pg.AlterTableCmd) change {
	p := c.Def.GetPartitionCmd()
	child, err := k.rel(p.Name, true)
	if err != nil || child == nil {
		return catalogOnly(AccessExclusive, false)
	}
	concurrent := p.Concurrent || c.Subtype == pg.AlterTableType_AT_DetachPartitionFinalize
	lock := AccessExclusive
	if concurrent {
		lock = ShareUpdateExclusive
		k.step.Waits = true
		k.step.Notes = append(k.step.Notes, "it waits for every transaction that may use the partition, and is left to FINALIZE if it is interrupted")
	} else if r.Default == 0 {
		k.safer(func(n *pg.Node) {
			n.GetAlterTableStmt().Cmds[0].GetAlterTableCmd().Def.GetPartitionCmd().Concurrent = true
		})
	}
	k.on(Effect{Lock: AccessExclusive}, child)
	for _, i := range child.Indexes {
		if i.Parent != 0 {
			k.on(Effect{Lock: AccessExclusive}, k.relation(i.OID))
		}
	}
	k.foreignKeysOf(r, ShareRowExclusive)
	if d := k.relation(r.Default); d != nil && d != child {
		k.on(Effect{Lock: AccessExclusive}, d)
	}
	return catalogOnly(lock, false)
}
