package risk

import (
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"foreshadow/sql/sqlerr"
)

// classifier holds the statements of a script against a catalog, one after the other.
type classifier struct {
	*Catalog
	st   *statement
	step *Step
	made map[string]bool // relations that the script makes: nobody else can be waiting for them
	was  map[string]*Relation
}

// Classify tells of each statement what it does to which relations. Names that the catalog does not know are the user's errors, unless the
// script itself makes them. Statements between BEGIN and COMMIT, and without BEGIN all of the script, are one transaction.
func (s *Script) Classify(c *Catalog) ([]Step, error) {
	k := &classifier{Catalog: c, made: map[string]bool{}, was: map[string]*Relation{}}
	var steps []Step
	group, explicit := 0, slices.ContainsFunc(s.statements, func(st statement) bool { return begins(st.node) })
	inside := !explicit && s.changes() > 1
	if inside {
		group = 1
	}
	for i := range s.statements {
		st := &s.statements[i]
		if t := st.node.GetTransactionStmt(); t != nil {
			if begins(st.node) {
				inside = true
				group++
			} else if ends(t) {
				inside = false
			}
			continue
		}
		if !inside {
			group++
		}
		if companion(st.node) {
			continue
		}
		step := Step{Text: st.text, Group: group}
		k.st, k.step = st, &step
		if err := k.classify(st.node); err != nil {
			return nil, err
		}
		if inside && step.Waits && step.Fails == "" {
			step.Fails = step.Command + " cannot run inside a transaction block"
		}
		if st.newer.any() && c.Version < 18 {
			step.Fails = "its syntax needs PostgreSQL 18; the server is " + major(c.Version)
		}
		step.order()
		steps = append(steps, step)
	}
	return steps, nil
}

// changes counts the statements that are more than companions.
func (s *Script) changes() (n int) {
	for i := range s.statements {
		if !companion(s.statements[i].node) {
			n++
		}
	}
	return n
}

func begins(n *pg.Node) bool {
	k := n.GetTransactionStmt().GetKind()
	return k == pg.TransactionStmtKind_TRANS_STMT_BEGIN || k == pg.TransactionStmtKind_TRANS_STMT_START
}

func ends(t *pg.TransactionStmt) bool {
	return t.Kind == pg.TransactionStmtKind_TRANS_STMT_COMMIT || t.Kind == pg.TransactionStmtKind_TRANS_STMT_ROLLBACK || t.Kind == pg.TransactionStmtKind_TRANS_STMT_PREPARE
}

// classify is the table of statements.
func (k *classifier) classify(n *pg.Node) error {
	switch s := n.Node.(type) {
	case *pg.Node_AlterTableStmt:
		return k.alterTable(s.AlterTableStmt)
	case *pg.Node_IndexStmt:
		return k.createIndex(s.IndexStmt)
	case *pg.Node_ReindexStmt:
		return k.reindex(s.ReindexStmt)
	case *pg.Node_DropStmt:
		return k.drop(s.DropStmt)
	case *pg.Node_RenameStmt:
		return k.rename(s.RenameStmt)
	case *pg.Node_AlterObjectSchemaStmt:
		return k.setSchema(s.AlterObjectSchemaStmt)
	case *pg.Node_CreateStmt:
		return k.createTable(s.CreateStmt)
	case *pg.Node_CreateTableAsStmt:
		k.step.Command = "CREATE TABLE AS"
		k.make(s.CreateTableAsStmt.Into.GetRel())
		k.reads(n)
		return nil
	case *pg.Node_ViewStmt:
		return k.createView(s.ViewStmt)
	case *pg.Node_RefreshMatViewStmt:
		return k.refresh(s.RefreshMatViewStmt)
	case *pg.Node_TruncateStmt:
		return k.truncate(s.TruncateStmt)
	case *pg.Node_ClusterStmt:
		return k.cluster(s.ClusterStmt)
	case *pg.Node_VacuumStmt:
		return k.vacuum(s.VacuumStmt)
	case *pg.Node_CreateTrigStmt:
		return k.createTrigger(s.CreateTrigStmt)
	case *pg.Node_RuleStmt:
		return k.simple("CREATE RULE", s.RuleStmt.Relation, AccessExclusive)
	case *pg.Node_CreatePolicyStmt:
		return k.simple("CREATE POLICY", s.CreatePolicyStmt.Table, AccessExclusive)
	case *pg.Node_AlterPolicyStmt:
		return k.simple("ALTER POLICY", s.AlterPolicyStmt.Table, AccessExclusive)
	case *pg.Node_CreateStatsStmt:
		return k.createStatistics(s.CreateStatsStmt)
	case *pg.Node_CommentStmt:
		return k.comment(s.CommentStmt)
	case *pg.Node_AlterDomainStmt:
		return k.alterDomain(s.AlterDomainStmt)
	case *pg.Node_AlterSeqStmt:
		return k.simple("ALTER SEQUENCE", s.AlterSeqStmt.Sequence, ShareRowExclusive)
	case *pg.Node_LockStmt:
		return k.lock(s.LockStmt)
	case *pg.Node_UpdateStmt:
		return k.write("UPDATE", s.UpdateStmt.Relation, s.UpdateStmt.WhereClause == nil)
	case *pg.Node_DeleteStmt:
		return k.write("DELETE", s.DeleteStmt.Relation, s.DeleteStmt.WhereClause == nil)
	case *pg.Node_InsertStmt:
		return k.write("INSERT", s.InsertStmt.Relation, false)
	case *pg.Node_MergeStmt:
		return k.write("MERGE", s.MergeStmt.Relation, false)
	}
	command, ok := harmless(n)
	if !ok {
		return sqlerr.New(sqlerr.FeatureNotSupported, "%s is not assessed", kindOf(n)).
			WithHint("Schema changes of tables, indexes, views, types, triggers and policies are, and UPDATE, DELETE and INSERT.")
	}
	k.step.Command = command
	return nil
}

// harmless names the statements that lock no table.
func harmless(n *pg.Node) (string, bool) {
	switch n.Node.(type) {
	case *pg.Node_GrantStmt, *pg.Node_GrantRoleStmt, *pg.Node_AlterDefaultPrivilegesStmt:
		return "GRANT", true
	case *pg.Node_CreateEnumStmt, *pg.Node_CompositeTypeStmt, *pg.Node_CreateRangeStmt, *pg.Node_CreateDomainStmt, *pg.Node_DefineStmt:
		return "CREATE TYPE", true
	case *pg.Node_AlterEnumStmt:
		return "ALTER TYPE", true
	case *pg.Node_CreateFunctionStmt:
		return "CREATE FUNCTION", true
	case *pg.Node_AlterFunctionStmt:
		return "ALTER FUNCTION", true
	case *pg.Node_CreateSeqStmt:
		return "CREATE SEQUENCE", true
	case *pg.Node_CreateSchemaStmt:
		return "CREATE SCHEMA", true
	case *pg.Node_CreateExtensionStmt:
		return "CREATE EXTENSION", true
	case *pg.Node_CreateRoleStmt, *pg.Node_AlterRoleStmt, *pg.Node_AlterRoleSetStmt:
		return "ROLE", true
	case *pg.Node_AlterOwnerStmt:
		return "ALTER OWNER", true
	}
	return "", false
}

// kindOf is a statement's kind as the parser calls it, for messages.
func kindOf(n *pg.Node) string {
	name := string(n.ProtoReflect().WhichOneof(n.ProtoReflect().Descriptor().Oneofs().Get(0)).Name())
	return "a statement of kind " + strings.TrimSuffix(name, "_stmt")
}

// find resolves a relation. It is nil without an error for one that the script makes, or that may be missing and is.
func (k *classifier) find(name string, location int32, missingOK bool) (*Relation, error) {
	if r := k.was[name]; r != nil {
		return r, nil
	}
	if k.made[name] {
		return nil, nil
	}
	if r := k.relation(k.Named[name]); r != nil {
		return r, nil
	}
	if missingOK {
		k.step.Notes = append(k.step.Notes, strings.ReplaceAll(name, `"`, "")+" does not exist: nothing is done")
		return nil, nil
	}
	e := sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" does not exist", strings.ReplaceAll(name, `"`, ""))
	return nil, k.st.at(e, location).WithHint("Write its schema in front of it, or set search_path as for the migration itself.")
}

// rel resolves a relation as a statement names it.
func (k *classifier) rel(r *pg.RangeVar, missingOK bool) (*Relation, error) {
	return k.find(key(r), r.Location, missingOK)
}

// make notes that the script creates a relation.
func (k *classifier) make(r *pg.RangeVar) {
	if r != nil {
		k.made[key(r)] = true
	}
}

// on adds an effect on relations; nil ones are left out.
func (k *classifier) on(e Effect, rels ...*Relation) {
	for _, r := range rels {
		if r != nil {
			e.Relation = r
			k.step.effect(e)
		}
	}
}

// indexes adds a lock on all indexes of a table.
func (k *classifier) indexes(r *Relation, lock Lock) {
	for _, i := range r.Indexes {
		k.on(Effect{Lock: lock}, k.relation(i.OID))
	}
}

// simple is a statement that locks one relation and does nothing to its rows.
func (k *classifier) simple(command string, rv *pg.RangeVar, lock Lock) error {
	k.step.Command = command
	r, err := k.rel(rv, false)
	k.on(Effect{Lock: lock}, r)
	return err
}

// reads adds ACCESS SHARE for everything that a statement names.
func (k *classifier) reads(n *pg.Node) {
	walk(n.ProtoReflect(), func(m any) {
		if rv, ok := m.(*pg.RangeVar); ok {
			if r := k.relation(k.Named[key(rv)]); r != nil {
				k.on(Effect{Lock: AccessShare}, r)
			}
		}
	})
}

// safer keeps another statement as the better way.
func (k *classifier) safer(change func(n *pg.Node)) {
	tree, err := pg.Parse(k.st.text)
	if err != nil { // of 18's grammar
		return
	}
	change(tree.Stmts[0].Stmt)
	if text, err := pg.Deparse(tree); err == nil {
		k.step.Safer = append(k.step.Safer, text+";")
	}
}

// say keeps a statement as it is.
func (k *classifier) say(sql ...string) { k.step.Safer = append(k.step.Safer, sql...) }

// named is a relation's name as the script writes it, quoted where it must be.
func written(r *pg.RangeVar) string {
	if r.Schemaname != "" {
		return ident(r.Schemaname) + "." + ident(r.Relname)
	}
	return ident(r.Relname)
}

// ident quotes a name where it must be.
func ident(name string) string {
	plain := name != "" && strings.IndexFunc(name, func(c rune) bool { return c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') }) < 0
	if plain && (name[0] < '0' || name[0] > '9') {
		if tokens, err := pg.Scan(name); err == nil && tokens.Tokens[0].KeywordKind != pg.KeywordKind_RESERVED_KEYWORD {
			return name
		}
	}
	return quote(name)
}
