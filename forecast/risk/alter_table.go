package risk

import (
	"fmt"
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// change is what one subcommand of ALTER TABLE needs: the lock, on the table alone or on all below it, and what it does to each.
type change struct {
	lock    Lock
	recurse bool
	work    func(r *Relation) Effect
	below   Lock // on the tables below, where it is not that of the whole statement
}

// catalogOnly is a change that touches no row.
func catalogOnly(lock Lock, recurse bool) change { return change{lock: lock, recurse: recurse} }

// each is a change that does the same to every table.
func each(e Effect, recurse bool) change {
	return change{lock: AccessExclusive, recurse: recurse, work: func(*Relation) Effect { return e }}
}

// alterTable takes the strongest lock of its subcommands on every table that one of them reaches.
func (k *classifier) alterTable(n *pg.AlterTableStmt) error {
	k.step.Command = "ALTER " + objectName(n.Objtype)
	r, err := k.rel(n.Relation, n.MissingOk)
	if r == nil || err != nil {
		return err
	}
	if r.Table != nil && r.Kind != "S" {
		return k.alterIndex(n, r)
	}
	lock := NoLock
	var all []change
	for _, c := range n.Cmds {
		cmd := c.GetAlterTableCmd()
		ch := k.subcommand(n.Relation, r, cmd)
		lock = max(lock, ch.lock)
		all = append(all, ch)
	}
	for _, ch := range all {
		for _, t := range k.tree(r, !ch.recurse || !n.Relation.Inh) {
			e := Effect{}
			if ch.work != nil && t.stored() {
				e = ch.work(t)
			}
			if e.Lock = lock; t != r && ch.below != NoLock {
				e.Lock = ch.below
			}
			k.on(e, t)
			if e.Rewrite {
				k.indexes(t, AccessExclusive)
			}
		}
	}
	return nil
}

// objectName is what the statement calls the object.
func objectName(t pg.ObjectType) string {
	return strings.ReplaceAll(strings.TrimPrefix(t.String(), "OBJECT_"), "MATVIEW", "MATERIALIZED VIEW")
}

// subcommand is the table of ALTER TABLE's subcommands. The locks are those of AlterTableGetLockLevel in PostgreSQL 14 to 18.
func (k *classifier) subcommand(rv *pg.RangeVar, r *Relation, c *pg.AlterTableCmd) change {
	switch c.Subtype {
	case pg.AlterTableType_AT_AddColumn:
		return k.addColumn(rv, r, c)
	case pg.AlterTableType_AT_DropColumn:
		return k.dropColumn(r, c)
	case pg.AlterTableType_AT_AlterColumnType:
		return k.alterType(rv, r, c)
	case pg.AlterTableType_AT_SetNotNull:
		return k.setNotNull(rv, r, c)
	case pg.AlterTableType_AT_AddConstraint:
		return k.addConstraint(rv, r, c)
	case pg.AlterTableType_AT_ValidateConstraint:
		return k.validate(r, c)
	case pg.AlterTableType_AT_DropConstraint:
		return k.dropConstraint(r, c)
	case pg.AlterTableType_AT_AttachPartition:
		return k.attach(rv, r, c.Def.GetPartitionCmd())
	case pg.AlterTableType_AT_DetachPartition, pg.AlterTableType_AT_DetachPartitionFinalize:
		return k.detach(r, c)
	case pg.AlterTableType_AT_AddInherit:
		k.on(Effect{Lock: ShareUpdateExclusive}, k.relation(k.Named[key(c.Def.GetRangeVar())]))
		return catalogOnly(AccessExclusive, false)
	case pg.AlterTableType_AT_DropInherit:
		k.on(Effect{Lock: AccessShare}, k.relation(k.Named[key(c.Def.GetRangeVar())]))
		return catalogOnly(AccessExclusive, false)
	case pg.AlterTableType_AT_SetExpression:
		return each(Effect{Rewrite: true}, true)
	case pg.AlterTableType_AT_SetLogged, pg.AlterTableType_AT_SetUnLogged:
		return k.setLogged(r, c.Subtype == pg.AlterTableType_AT_SetLogged)
	case pg.AlterTableType_AT_SetAccessMethod:
		name := c.Name
		if name == "" {
			name = k.AccessMethod
		}
		return each(Effect{Rewrite: name != r.AccessMethod}, false)
	case pg.AlterTableType_AT_SetTableSpace:
		same := c.Name == r.Tablespace || r.Tablespace == "" && c.Name == "pg_default"
		return each(Effect{Copy: !same}, false)
	case pg.AlterTableType_AT_SetStatistics:
		return catalogOnly(ShareUpdateExclusive, true)
	case pg.AlterTableType_AT_ClusterOn:
		for _, i := range r.Indexes {
			if strings.HasSuffix(i.Name, "."+c.Name) {
				k.on(Effect{Lock: ShareUpdateExclusive}, k.relation(i.OID))
			}
		}
		return catalogOnly(ShareUpdateExclusive, false)
	case pg.AlterTableType_AT_SetIdentity:
		k.identity(r, c.Name, ShareRowExclusive)
		return catalogOnly(AccessExclusive, false)
	case pg.AlterTableType_AT_DropIdentity:
		k.identity(r, c.Name, AccessExclusive)
		return catalogOnly(AccessExclusive, false)
	case pg.AlterTableType_AT_SetOptions, pg.AlterTableType_AT_ResetOptions, pg.AlterTableType_AT_DropCluster:
		return catalogOnly(ShareUpdateExclusive, false)
	case pg.AlterTableType_AT_SetRelOptions, pg.AlterTableType_AT_ResetRelOptions:
		return catalogOnly(optionsLock(c), false)
	case pg.AlterTableType_AT_EnableTrig, pg.AlterTableType_AT_EnableAlwaysTrig, pg.AlterTableType_AT_EnableReplicaTrig, pg.AlterTableType_AT_DisableTrig,
		pg.AlterTableType_AT_EnableTrigAll, pg.AlterTableType_AT_DisableTrigAll, pg.AlterTableType_AT_EnableTrigUser, pg.AlterTableType_AT_DisableTrigUser:
		return catalogOnly(ShareRowExclusive, false)
	case pg.AlterTableType_AT_ChangeOwner:
		k.changeOwner(r)
		return catalogOnly(AccessExclusive, false)
	case pg.AlterTableType_AT_ColumnDefault, pg.AlterTableType_AT_DropNotNull, pg.AlterTableType_AT_SetStorage, pg.AlterTableType_AT_DropExpression:
		return catalogOnly(AccessExclusive, true)
	default:
		return catalogOnly(AccessExclusive, false)
	}
}

// identity locks the sequence of an identity column.
func (k *classifier) identity(r *Relation, column string, lock Lock) {
	col, _ := r.column(column)
	for _, s := range r.Sequences {
		if s.Identity && s.Column == col.Number {
			k.on(Effect{Lock: lock}, k.relation(s.OID))
		}
	}
}

// optionsLock is that of the storage parameters: all of tables' own but user_catalog_table go beside reads and writes.
func optionsLock(c *pg.AlterTableCmd) Lock {
	for _, o := range c.Def.GetList().GetItems() {
		switch o.GetDefElem().GetDefname() {
		case "user_catalog_table", "security_barrier", "security_invoker", "check_option":
			return AccessExclusive
		}
	}
	return ShareUpdateExclusive
}

// addColumn needs a rewrite when every row gets a value of its own, and a scan when the new column has a constraint to hold.
func (k *classifier) addColumn(rv *pg.RangeVar, r *Relation, c *pg.AlterTableCmd) change {
	def := c.Def.GetColumnDef()
	if _, exists := r.column(def.Colname); exists && !c.MissingOk {
		k.step.Fails = fmt.Sprintf("column %q of %s exists already", def.Colname, r.Name)
	}
	var e Effect
	typeName := last(def.TypeName.GetNames())
	serial := strings.HasSuffix(typeName, "serial")
	value, notNull := def.RawDefault, false
	for _, n := range def.Constraints {
		con := n.GetConstraint()
		switch con.Contype {
		case pg.ConstrType_CONSTR_DEFAULT:
			value = con.RawExpr
		case pg.ConstrType_CONSTR_NOTNULL:
			notNull = true
		case pg.ConstrType_CONSTR_GENERATED:
			e.Rewrite = e.Rewrite || !k.st.newer.virtual
		case pg.ConstrType_CONSTR_IDENTITY:
			e.Rewrite = true
		case pg.ConstrType_CONSTR_CHECK:
			e.Scan = true
		case pg.ConstrType_CONSTR_UNIQUE, pg.ConstrType_CONSTR_PRIMARY:
			e.Builds++
		case pg.ConstrType_CONSTR_FOREIGN:
			k.on(Effect{Lock: ShareRowExclusive, Scan: value != nil}, k.family(con.Pktable)...)
			e.Scan, e.Check = e.Scan || value != nil, value != nil
		default:
		}
	}
	domain := k.typ(k.TypeNames[typeKey(def.TypeName)])
	volatile := k.isVolatile(value)
	if serial || volatile || domain.Constrained {
		e.Rewrite = true
	}
	k.saferColumn(rv, def, e, volatile || serial, value != nil, notNull)
	return each(e, true)
}

// saferColumn splits what rewrites or builds into steps that do not.
func (k *classifier) saferColumn(rv *pg.RangeVar, def *pg.ColumnDef, e Effect, volatile, value, notNull bool) {
	table, column := written(rv), ident(def.Colname)
	switch {
	case e.Rewrite && volatile && value:
		k.say("ALTER TABLE "+table+" ADD COLUMN "+column+" "+typeText(def)+";",
			"ALTER TABLE "+table+" ALTER COLUMN "+column+" SET DEFAULT "+defaultText(def)+";",
			"UPDATE "+table+" SET "+column+" = DEFAULT WHERE "+column+" IS NULL; -- by key, in batches of some thousand rows, each its own transaction")
		if notNull {
			k.say(notNullSteps(table, column)...)
		}
	case e.Rewrite:
		k.step.Notes = append(k.step.Notes, "add the column without a value, fill it in batches, then set default, sequence or constraint")
	case e.Builds > 0:
		k.say("ALTER TABLE "+table+" ADD COLUMN "+column+" "+typeText(def)+";",
			"CREATE UNIQUE INDEX CONCURRENTLY "+ident(rv.Relname+"_"+def.Colname+"_key")+" ON "+table+" ("+column+");",
			"ALTER TABLE "+table+" ADD UNIQUE USING INDEX "+ident(rv.Relname+"_"+def.Colname+"_key")+";")
	}
}

// notNullSteps make a column NOT NULL without a scan under a lock.
func notNullSteps(table, column string) []string {
	name := ident(strings.Trim(column, `"`) + "_not_null")
	return []string{
		"ALTER TABLE " + table + " ADD CONSTRAINT " + name + " CHECK (" + column + " IS NOT NULL) NOT VALID;",
		"ALTER TABLE " + table + " VALIDATE CONSTRAINT " + name + ";",
		"ALTER TABLE " + table + " ALTER COLUMN " + column + " SET NOT NULL, DROP CONSTRAINT " + name + ";",
	}
}

// typeText is a column's type as the script has it.
func typeText(def *pg.ColumnDef) string {
	null := &pg.Node{Node: &pg.Node_AConst{AConst: &pg.A_Const{Isnull: true}}}
	text := expression(&pg.Node{Node: &pg.Node_TypeCast{TypeCast: &pg.TypeCast{Arg: null, TypeName: def.TypeName}}})
	return strings.TrimPrefix(text, "NULL::")
}

// defaultText is a column's default as the script has it.
func defaultText(def *pg.ColumnDef) string {
	for _, n := range def.Constraints {
		if c := n.GetConstraint(); c.Contype == pg.ConstrType_CONSTR_DEFAULT {
			return expression(c.RawExpr)
		}
	}
	return "NULL"
}

// expression is the text of an expression.
func expression(n *pg.Node) string {
	tree, err := pg.Parse("SELECT NULL")
	if err == nil {
		tree.Stmts[0].Stmt.GetSelectStmt().TargetList[0].GetResTarget().Val = n
		var text string
		if text, err = pg.Deparse(tree); err == nil {
			return strings.TrimPrefix(text, "SELECT ")
		}
	}
	return "NULL"
}

// isVolatile says whether an expression calls a function that gives another value for each row.
func (k *classifier) isVolatile(expr *pg.Node) bool {
	found := false
	if expr == nil {
		return false
	}
	walk(expr.ProtoReflect(), func(m any) {
		if f, ok := m.(*pg.FuncCall); ok && slices.Contains(k.Volatile, last(f.Funcname)) {
			found = true
		}
	})
	return found
}

// dropColumn leaves the values where they are; who names the column fails.
func (k *classifier) dropColumn(r *Relation, c *pg.AlterTableCmd) change {
	col, ok := r.column(c.Name)
	if !ok {
		if !c.MissingOk {
			k.step.Fails = fmt.Sprintf("column %q of %s does not exist", c.Name, r.Name)
		}
		return catalogOnly(AccessExclusive, true)
	}
	if views := r.viewsOf(col.Number); len(views) > 0 {
		k.needsCascade(c.Behavior, fmt.Sprintf("view %s reads column %q", strings.Join(views, ", "), c.Name))
		k.dropViews(r, col.Number)
	}
	if col.Feeds != "" {
		behavior := c.Behavior
		if k.Version < 15 { // the column goes along unasked
			behavior = pg.DropBehavior_DROP_CASCADE
		}
		k.needsCascade(behavior, fmt.Sprintf("column %s is computed from column %q", col.Feeds, c.Name))
	}
	k.step.Breaks = append(k.step.Breaks, Break{Relation: r, Column: c.Name, How: "dropped", Certain: true})
	k.step.Notes = append(k.step.Notes, "the column's space is not given back before the rows are written anew")
	for _, con := range r.Constraints {
		if con.Type == "f" && slices.Contains(con.Columns, col.Number) {
			k.on(Effect{Lock: AccessExclusive}, k.relation(con.References))
		}
	}
	for _, i := range r.Indexes {
		if slices.Contains(i.Uses, col.Number) {
			k.on(Effect{Lock: AccessExclusive}, k.relation(i.OID))
		}
	}
	return catalogOnly(AccessExclusive, true)
}

// dropViews locks the views that go with what they read.
func (k *classifier) dropViews(r *Relation, column int16) {
	for _, v := range k.readers(r, column) {
		k.on(Effect{Lock: AccessExclusive}, v)
		k.indexes(v, AccessExclusive)
	}
}

// needsCascade says that the statement fails unless it cascades, and then what goes with it.
func (k *classifier) needsCascade(b pg.DropBehavior, why string) {
	if b == pg.DropBehavior_DROP_CASCADE {
		k.step.Notes = append(k.step.Notes, why+": dropped too")
		return
	}
	k.step.Fails = why
}

// setNotNull scans unless the column is so already or a valid CHECK proves it.
func (k *classifier) setNotNull(rv *pg.RangeVar, r *Relation, c *pg.AlterTableCmd) change {
	if _, ok := r.column(c.Name); !ok {
		k.step.Fails = fmt.Sprintf("column %q of %s does not exist", c.Name, r.Name)
	}
	scans := func(t *Relation) Effect { return Effect{Scan: !t.neverNull(c.Name)} }
	if scans(r).Scan {
		k.say(notNullSteps(written(rv), ident(c.Name))...)
	}
	return change{lock: AccessExclusive, recurse: true, work: scans}
}

// neverNull says whether the catalog proves that a column holds no NULL.
func (r *Relation) neverNull(name string) bool {
	col, ok := r.column(name)
	if ok && col.NotNull && !slices.ContainsFunc(r.Constraints, func(c Constraint) bool {
		return c.Type == "n" && !c.Valid && slices.Contains(c.Columns, col.Number)
	}) {
		return true
	}
	for _, c := range r.Constraints {
		if c.Type != "c" || !c.Valid {
			continue
		}
		for _, p := range conjuncts(c.Check) {
			if p.column == name && p.notNull {
				return true
			}
		}
	}
	return false
}

// setLogged rewrites unless the table is so already; its own sequences go with it since PostgreSQL 15.
func (k *classifier) setLogged(r *Relation, logged bool) change {
	if logged == (r.Persistence == "p") {
		return catalogOnly(AccessExclusive, false)
	}
	if k.Version >= 15 {
		for _, s := range r.Sequences {
			k.on(Effect{Lock: AccessExclusive}, k.relation(s.OID))
		}
	}
	return each(Effect{Rewrite: true}, false)
}

// changeOwner takes the table's indexes and sequences along.
func (k *classifier) changeOwner(r *Relation) {
	k.indexes(r, AccessExclusive)
	for _, s := range r.Sequences {
		k.on(Effect{Lock: AccessExclusive}, k.relation(s.OID))
	}
}
