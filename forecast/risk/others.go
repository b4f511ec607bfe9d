package risk

import (
	"fmt"
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"foreshadow/sql/sqlerr"
)

// createIndex holds up writes while it reads all rows, unless it is done concurrently.
func (k *classifier) createIndex(n *pg.IndexStmt) error {
	k.step.Command = "CREATE INDEX"
	r, err := k.rel(n.Relation, false)
	if n.Idxname != "" {
		k.made[quote(n.Idxname)] = true
		if n.Relation.Schemaname != "" {
			k.made[quote(n.Relation.Schemaname)+"."+quote(n.Idxname)] = true
		}
	}
	if r == nil || err != nil {
		return err
	}
	if n.Concurrent {
		k.step.Command = "CREATE INDEX CONCURRENTLY"
		k.step.Waits = true
		k.step.Notes = append(k.step.Notes, "it reads the table twice, waits for older transactions, and leaves an INVALID index behind if it fails: drop that and begin again")
		if r.Kind == "p" {
			k.step.Fails = "an index of a partitioned table cannot be created concurrently"
		}
		k.on(Effect{Lock: ShareUpdateExclusive, Builds: 1, Repeats: 2}, r)
		return nil
	}
	only := !n.Relation.Inh
	for _, t := range k.tree(r, only) {
		e := Effect{Lock: Share}
		if t.stored() {
			e.Builds = 1
		}
		k.on(e, t)
	}
	switch {
	case r.Kind == "p" && !only:
		k.perPartition(n, r)
	case r.Kind != "p":
		k.safer(func(n *pg.Node) { n.GetIndexStmt().Concurrent = true })
	}
	return nil
}

// perPartition creates the parent's index without its parts, the parts concurrently, and joins them.
func (k *classifier) perPartition(n *pg.IndexStmt, r *Relation) {
	name := n.Idxname
	if name == "" {
		name = n.Relation.Relname + "_idx"
	}
	k.safer(func(n *pg.Node) { n.GetIndexStmt().Idxname, n.GetIndexStmt().Relation.Inh = name, false })
	for i, t := range k.tree(r, false) {
		if !t.stored() {
			continue
		}
		if i > 3 {
			k.say("-- and so on for every partition")
			return
		}
		schema, table, _ := strings.Cut(t.Name, ".")
		part := table + "_" + name
		k.safer(func(n *pg.Node) {
			s := n.GetIndexStmt()
			s.Idxname, s.Concurrent, s.Relation.Inh, s.Relation.Schemaname, s.Relation.Relname = part, true, true, schema, table
		})
		k.say("ALTER INDEX " + ident(name) + " ATTACH PARTITION " + ident(schema) + "." + ident(part) + ";")
	}
}

// alterIndex is ALTER INDEX; the rows of its table stay as they are.
func (k *classifier) alterIndex(n *pg.AlterTableStmt, r *Relation) error {
	lock := NoLock
	for _, c := range n.Cmds {
		switch cmd := c.GetAlterTableCmd(); cmd.Subtype {
		case pg.AlterTableType_AT_AttachPartition:
			lock = max(lock, ShareUpdateExclusive)
			part, err := k.rel(cmd.Def.GetPartitionCmd().Name, false)
			if err != nil {
				return err
			}
			k.on(Effect{Lock: AccessExclusive}, part)
		case pg.AlterTableType_AT_SetRelOptions, pg.AlterTableType_AT_ResetRelOptions, pg.AlterTableType_AT_SetStatistics:
			lock = max(lock, ShareUpdateExclusive)
		default:
			lock = max(lock, AccessExclusive)
		}
	}
	k.on(Effect{Lock: lock}, r)
	return nil
}

// reindex holds up writes to the table and, by the lock on the index, whoever plans a query of it.
func (k *classifier) reindex(n *pg.ReindexStmt) error {
	k.step.Command = "REINDEX"
	if n.Relation == nil {
		return sqlerr.New(sqlerr.FeatureNotSupported, "REINDEX of a whole schema or database is not assessed").WithHint("Name a table or an index.")
	}
	r, err := k.rel(n.Relation, false)
	if r == nil || err != nil {
		return err
	}
	concurrent := slices.ContainsFunc(n.Params, func(p *pg.Node) bool { return p.GetDefElem().GetDefname() == "concurrently" })
	table, built := r, len(r.Indexes)
	if r.Table != nil {
		table, built = r.Table, 1
	}
	if concurrent {
		k.step.Command, k.step.Waits = "REINDEX CONCURRENTLY", true
		k.on(Effect{Lock: ShareUpdateExclusive, Builds: built, Repeats: 2}, table)
		return nil
	}
	k.on(Effect{Lock: Share, Builds: built}, table)
	if r.Table != nil {
		k.on(Effect{Lock: AccessExclusive}, r)
	} else {
		k.indexes(r, AccessExclusive)
	}
	k.step.Notes = append(k.step.Notes, "reads wait too: planning a query looks at every index of its table")
	k.safer(func(n *pg.Node) {
		s := n.GetReindexStmt()
		s.Params = append(s.Params, &pg.Node{Node: &pg.Node_DefElem{DefElem: &pg.DefElem{Defname: "concurrently"}}})
	})
	return nil
}

// drop takes the relation and what hangs on it from everybody.
func (k *classifier) drop(n *pg.DropStmt) error {
	k.step.Command = "DROP " + objectName(n.RemoveType)
	for _, o := range n.Objects {
		for _, name := range dropped(n.RemoveType, o) {
			r, err := k.find(name, -1, n.MissingOk)
			if err != nil {
				return err
			}
			if r != nil {
				k.dropOne(n, r)
			}
		}
	}
	return nil
}

// dropOne drops one relation, or what stands on it.
func (k *classifier) dropOne(n *pg.DropStmt, r *Relation) {
	switch n.RemoveType {
	case pg.ObjectType_OBJECT_TRIGGER, pg.ObjectType_OBJECT_POLICY, pg.ObjectType_OBJECT_RULE:
		k.on(Effect{Lock: AccessExclusive}, r)
		return
	case pg.ObjectType_OBJECT_INDEX:
		if r.Table == nil {
			k.step.Fails = r.Name + " is not an index"
			return
		}
		if n.Concurrent {
			k.step.Command, k.step.Waits = "DROP INDEX CONCURRENTLY", true
			k.on(Effect{Lock: ShareUpdateExclusive}, r, r.Table)
			return
		}
		for _, t := range k.tree(r.Table, r.Kind != "I") {
			k.on(Effect{Lock: AccessExclusive}, t)
			for _, i := range t.Indexes {
				if i.OID == r.OID || i.Parent == r.OID {
					k.on(Effect{Lock: AccessExclusive}, k.relation(i.OID))
				}
			}
		}
		if r.Kind == "i" {
			k.safer(func(n *pg.Node) { n.GetDropStmt().Concurrent = true })
		}
		return
	}
	k.step.Breaks = append(k.step.Breaks, Break{Relation: r, How: "dropped", Certain: true})
	if views := r.viewsOf(0); len(views) > 0 {
		k.needsCascade(n.Behavior, "view "+strings.Join(views, ", ")+" reads "+r.Name)
		k.dropViews(r, 0)
	}
	for _, t := range k.tree(r, false) {
		k.on(Effect{Lock: AccessExclusive}, t)
		k.indexes(t, AccessExclusive)
		for _, s := range t.Sequences {
			k.on(Effect{Lock: AccessExclusive}, k.relation(s.OID))
		}
		k.foreignKeysOf(t, AccessExclusive)
	}
	for _, p := range k.ancestors(r) {
		k.on(Effect{Lock: AccessExclusive}, p)
	}
	for _, o := range k.Relations {
		if o != r && slices.ContainsFunc(o.Constraints, func(c Constraint) bool { return c.Type == "f" && c.References == r.OID }) {
			k.needsCascade(n.Behavior, "a foreign key of "+o.Name+" refers to "+r.Name)
			if n.Behavior == pg.DropBehavior_DROP_CASCADE {
				k.on(Effect{Lock: AccessExclusive}, o)
			}
		}
	}
}

// rename changes what clients call a thing.
func (k *classifier) rename(n *pg.RenameStmt) error {
	k.step.Command = "ALTER " + objectName(n.RenameType) + " RENAME"
	if n.RenameType == pg.ObjectType_OBJECT_COLUMN || n.RenameType == pg.ObjectType_OBJECT_TABCONSTRAINT {
		k.step.Command = "ALTER " + objectName(max(n.RelationType, pg.ObjectType_OBJECT_TABLE)) + " RENAME " + objectName(n.RenameType)
	}
	if n.Relation == nil {
		return nil // a type, a function, a schema: no table is locked
	}
	r, err := k.rel(n.Relation, n.MissingOk)
	if r == nil || err != nil {
		return err
	}
	table, is := written(n.Relation), ident(n.Newname)
	switch n.RenameType {
	case pg.ObjectType_OBJECT_INDEX:
		k.on(Effect{Lock: ShareUpdateExclusive}, r)
		return nil
	case pg.ObjectType_OBJECT_COLUMN:
		if _, ok := r.column(n.Subname); !ok && len(r.Columns) > 0 {
			k.step.Fails = fmt.Sprintf("column %q of %s does not exist", n.Subname, r.Name)
		}
		k.step.Breaks = append(k.step.Breaks, Break{Relation: r, Column: n.Subname, How: "renamed to " + n.Newname, Certain: true})
		k.say("-- expand and contract: ALTER TABLE " + table + " ADD COLUMN " + is + " of the same type; a trigger keeps both alike; fill it in batches; move the clients; ALTER TABLE " +
			table + " DROP COLUMN " + ident(n.Subname))
		for _, t := range k.tree(r, !n.Relation.Inh) {
			k.on(Effect{Lock: AccessExclusive}, t)
		}
		return nil
	case pg.ObjectType_OBJECT_TABLE, pg.ObjectType_OBJECT_VIEW, pg.ObjectType_OBJECT_MATVIEW, pg.ObjectType_OBJECT_SEQUENCE, pg.ObjectType_OBJECT_FOREIGN_TABLE:
		if r.Table != nil && r.Kind != "S" { // ALTER TABLE of an index
			k.on(Effect{Lock: ShareUpdateExclusive}, r)
			return nil
		}
		k.step.Breaks = append(k.step.Breaks, Break{Relation: r, How: "renamed to " + n.Newname, Certain: true})
		k.was[quote(n.Newname)] = r
		if n.Relation.Schemaname != "" {
			k.was[quote(n.Relation.Schemaname)+"."+quote(n.Newname)] = r
		}
		k.say("BEGIN; " + strings.TrimSuffix(k.st.text, ";") + "; CREATE VIEW " + table + " AS SELECT * FROM " + strings.TrimSuffix(table, ident(n.Relation.Relname)) + is + "; COMMIT; -- the old name goes on until clients have moved")
	case pg.ObjectType_OBJECT_TABCONSTRAINT:
		if c, ok := r.constraint(n.Subname); ok && c.Type == "c" {
			for _, t := range k.tree(r, !n.Relation.Inh) {
				k.on(Effect{Lock: AccessExclusive}, t)
			}
		}
	}
	k.on(Effect{Lock: AccessExclusive}, r)
	return nil
}

// setSchema moves the table with its indexes and sequences; who writes the old schema in front of it fails.
func (k *classifier) setSchema(n *pg.AlterObjectSchemaStmt) error {
	k.step.Command = "ALTER " + objectName(n.ObjectType) + " SET SCHEMA"
	if n.Relation == nil {
		return nil
	}
	r, err := k.rel(n.Relation, n.MissingOk)
	if r == nil || err != nil {
		return err
	}
	k.on(Effect{Lock: AccessExclusive}, r)
	for _, s := range r.Sequences {
		k.on(Effect{Lock: AccessExclusive}, k.relation(s.OID))
	}
	k.step.Breaks = append(k.step.Breaks, Break{Relation: r, How: "moved to schema " + n.Newschema})
	return nil
}

// createTable waits for the tables that it refers to, and for the whole partitioned table that it becomes a part of.
func (k *classifier) createTable(n *pg.CreateStmt) error {
	k.step.Command = "CREATE TABLE"
	if r := k.relation(k.Named[key(n.Relation)]); r != nil && n.Relation.Relpersistence != "t" {
		if n.IfNotExists {
			k.step.Notes = append(k.step.Notes, r.Name+" exists already: nothing is done")
			return nil
		}
		k.step.Fails = r.Name + " exists already"
	}
	for _, p := range n.InhRelations {
		parent, err := k.rel(p.GetRangeVar(), false)
		if err != nil {
			return err
		}
		if parent == nil {
			continue
		}
		if n.Partbound == nil {
			k.on(Effect{Lock: ShareUpdateExclusive}, parent)
			continue
		}
		k.on(Effect{Lock: AccessExclusive}, parent)
		k.defaultPartition(parent, n.Partbound)
		k.foreignKeysOf(parent, ShareRowExclusive)
		k.indexes(parent, ShareUpdateExclusive)
		if parent.Default == 0 {
			k.saferPartition(n, written(p.GetRangeVar()))
		}
	}
	walk(n.ProtoReflect(), func(m any) {
		switch m := m.(type) {
		case *pg.Constraint:
			if m.Pktable != nil && key(m.Pktable) != key(n.Relation) {
				k.on(Effect{Lock: ShareRowExclusive}, k.family(m.Pktable)...)
			}
		case *pg.TableLikeClause:
			k.on(Effect{Lock: AccessShare}, k.relation(k.Named[key(m.Relation)]))
		}
	})
	k.make(n.Relation)
	return nil
}

// saferPartition makes the table alone and attaches it.
func (k *classifier) saferPartition(n *pg.CreateStmt, parent string) {
	bound := "DEFAULT"
	if i := strings.Index(strings.ToUpper(k.st.text), "FOR VALUES"); i >= 0 {
		bound = k.st.text[i:]
	}
	table := written(n.Relation)
	k.say("CREATE TABLE "+table+" (LIKE "+parent+" INCLUDING ALL);", "ALTER TABLE "+parent+" ATTACH PARTITION "+table+" "+strings.TrimSuffix(bound, ";")+";")
}

// createView locks an existing view that it replaces.
func (k *classifier) createView(n *pg.ViewStmt) error {
	k.step.Command = "CREATE VIEW"
	if r := k.relation(k.Named[key(n.View)]); r != nil {
		if !n.Replace {
			k.step.Fails = r.Name + " exists already"
		}
		k.on(Effect{Lock: AccessExclusive}, r)
	}
	k.reads(n.Query)
	k.make(n.View)
	return nil
}

// refresh writes a materialized view anew, beside reads if it is done concurrently.
func (k *classifier) refresh(n *pg.RefreshMatViewStmt) error {
	k.step.Command = "REFRESH MATERIALIZED VIEW"
	r, err := k.rel(n.Relation, false)
	if r == nil || err != nil {
		return err
	}
	if n.Concurrent {
		k.step.Command += " CONCURRENTLY"
		k.on(Effect{Lock: Exclusive, Scan: true}, r)
		return nil
	}
	k.on(Effect{Lock: AccessExclusive, Rewrite: !n.SkipData, Fresh: n.SkipData}, r)
	k.indexes(r, AccessExclusive)
	if slices.ContainsFunc(r.Indexes, func(i Index) bool { return i.Unique && i.Whole && !i.Expressions }) {
		k.safer(func(n *pg.Node) { n.GetRefreshMatViewStmt().Concurrent = true })
	}
	return nil
}

// truncate replaces the files by empty ones.
func (k *classifier) truncate(n *pg.TruncateStmt) error {
	k.step.Command = "TRUNCATE"
	for _, t := range n.Relations {
		r, err := k.rel(t.GetRangeVar(), false)
		if err != nil {
			return err
		}
		if r == nil {
			continue
		}
		for _, o := range k.Relations {
			if o != r && slices.ContainsFunc(o.Constraints, func(c Constraint) bool { return c.Type == "f" && c.References == r.OID }) && !k.truncated(n, o) {
				k.needsCascade(n.Behavior, "a foreign key of "+o.Name+" refers to "+r.Name)
				if n.Behavior == pg.DropBehavior_DROP_CASCADE {
					k.empty(k.tree(o, false)...)
				}
			}
		}
		for _, one := range k.tree(r, !t.GetRangeVar().Inh) {
			k.empty(one)
			for _, s := range one.Sequences {
				if n.RestartSeqs {
					k.on(Effect{Lock: AccessExclusive}, k.relation(s.OID))
				}
			}
		}
		k.step.Breaks = append(k.step.Breaks, Break{Relation: r, How: "emptied"})
	}
	return nil
}

// empty gives tables new files.
func (k *classifier) empty(tables ...*Relation) {
	for _, t := range tables {
		k.on(Effect{Lock: AccessExclusive, Fresh: t.stored()}, t)
		if t.stored() {
			k.indexes(t, AccessExclusive)
		}
	}
}

// truncated says whether a relation is truncated by the same statement.
func (k *classifier) truncated(n *pg.TruncateStmt, r *Relation) bool {
	return slices.ContainsFunc(n.Relations, func(t *pg.Node) bool { return k.Named[key(t.GetRangeVar())] == r.OID })
}

// cluster writes a table anew in the order of an index.
func (k *classifier) cluster(n *pg.ClusterStmt) error {
	k.step.Command = "CLUSTER"
	if n.Relation == nil {
		return sqlerr.New(sqlerr.FeatureNotSupported, "CLUSTER of every table is not assessed").WithHint("Name a table.")
	}
	r, err := k.rel(n.Relation, false)
	k.rewriteWhole(r)
	return err
}

// rewriteWhole is the effect of CLUSTER and VACUUM FULL.
func (k *classifier) rewriteWhole(r *Relation) {
	if r == nil {
		return
	}
	for _, t := range k.tree(r, r.Kind != "p") {
		k.on(Effect{Lock: AccessExclusive, Rewrite: t.stored()}, t)
		k.indexes(t, AccessExclusive)
	}
	k.step.Notes = append(k.step.Notes, "pg_repack and pg_squeeze do the same beside reads and writes")
}

// vacuum is VACUUM and ANALYZE.
func (k *classifier) vacuum(n *pg.VacuumStmt) error {
	k.step.Command = "ANALYZE"
	full := false
	for _, o := range n.Options {
		d := o.GetDefElem()
		full = full || d.Defname == "full" && (d.Arg == nil || d.Arg.GetString_().GetSval() != "false")
	}
	if n.IsVacuumcmd {
		k.step.Command = "VACUUM"
	}
	if len(n.Rels) == 0 {
		return sqlerr.New(sqlerr.FeatureNotSupported, "%s of every table is not assessed", k.step.Command).WithHint("Name a table.")
	}
	for _, v := range n.Rels {
		r, err := k.rel(v.GetVacuumRelation().Relation, false)
		switch {
		case err != nil:
			return err
		case r == nil:
		case full:
			k.step.Command = "VACUUM FULL"
			k.rewriteWhole(r)
		default:
			for _, t := range k.tree(r, r.Kind != "p") {
				k.on(Effect{Lock: ShareUpdateExclusive, Scan: t.stored() && n.IsVacuumcmd}, t)
			}
		}
	}
	return nil
}

// createTrigger holds up writes for a moment.
func (k *classifier) createTrigger(n *pg.CreateTrigStmt) error {
	k.step.Command = "CREATE TRIGGER"
	r, err := k.rel(n.Relation, false)
	if r == nil || err != nil {
		return err
	}
	k.on(Effect{Lock: ShareRowExclusive}, k.tree(r, r.Kind != "p" || !n.Row)...)
	if n.Constrrel != nil {
		k.on(Effect{Lock: AccessShare}, k.relation(k.Named[key(n.Constrrel)]))
	}
	return nil
}

// createStatistics goes beside reads and writes.
func (k *classifier) createStatistics(n *pg.CreateStatsStmt) error {
	for _, t := range n.Relations {
		if err := k.simple("CREATE STATISTICS", t.GetRangeVar(), ShareUpdateExclusive); err != nil {
			return err
		}
	}
	return nil
}

// comment goes beside reads and writes.
func (k *classifier) comment(n *pg.CommentStmt) error {
	k.step.Command = "COMMENT"
	for _, name := range dropped(n.Objtype, n.Object) {
		r, err := k.find(name, -1, false)
		if err != nil {
			return err
		}
		k.on(Effect{Lock: ShareUpdateExclusive}, r)
	}
	return nil
}

// alterDomain looks at every row of every table that uses the domain.
func (k *classifier) alterDomain(n *pg.AlterDomainStmt) error {
	k.step.Command = "ALTER DOMAIN"
	looks := n.Subtype == "O" || n.Subtype == "V" || n.Subtype == "C" && !n.Def.GetConstraint().GetSkipValidation()
	if !looks {
		return nil
	}
	domain := k.TypeNames[quoted(n.TypeName)]
	lock := Share
	if n.Subtype == "V" && k.Version >= 19 {
		lock = ShareUpdateExclusive
	}
	for _, r := range k.Relations {
		if slices.ContainsFunc(r.Columns, func(c Column) bool { return c.Type == domain }) && r.stored() {
			k.on(Effect{Lock: lock, Scan: true}, r)
		}
	}
	if n.Subtype == "C" {
		k.safer(func(n *pg.Node) {
			c := n.GetAlterDomainStmt().Def.GetConstraint()
			c.SkipValidation, c.InitiallyValid = true, false
		})
	}
	return nil
}

// lockModes are those of LOCK TABLE as the parser numbers them.
func (k *classifier) lock(n *pg.LockStmt) error {
	k.step.Command = "LOCK TABLE"
	for _, t := range n.Relations {
		r, err := k.rel(t.GetRangeVar(), false)
		if err != nil {
			return err
		}
		if r != nil {
			k.on(Effect{Lock: Lock(n.Mode)}, k.tree(r, !t.GetRangeVar().Inh)...)
		}
	}
	return nil
}

// write is a statement that changes rows; without a condition it changes all of them.
func (k *classifier) write(command string, rv *pg.RangeVar, all bool) error {
	k.step.Command = command
	r, err := k.rel(rv, false)
	if r == nil || err != nil {
		return err
	}
	for _, t := range k.tree(r, !rv.Inh) {
		k.on(Effect{Lock: RowExclusive, Scan: all && t.stored(), Changes: all && t.stored()}, t)
	}
	if all && command != "INSERT" {
		k.step.Notes = append(k.step.Notes, "every row is locked until COMMIT, and leaves a dead version behind: do it in batches by key, each its own transaction")
	}
	return nil
}

func major(v int) string { return fmt.Sprint(v) }
