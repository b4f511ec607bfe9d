package parse

import (
	"slices"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// SchemaChange is what a statement does to the schema of one table. Schema is empty where the statement leaves it to the search path. Object is the
// column, index, constraint or trigger, or the table's former name.
type SchemaChange struct{ Schema, Table, Kind, Object string }

// SchemaChanges reads what DDL statements do to tables, in their order; statements of other kinds, temporary tables, and changes that do not name
// their table are passed over. The kinds are those by which histories of migrations are told, such as add_column.
func SchemaChanges(sql string) ([]SchemaChange, error) {
	tree, err := pg.Parse(sql)
	if err != nil {
		return nil, syntaxError(err)
	}
	var out []SchemaChange
	for _, raw := range tree.Stmts {
		out = append(out, schemaChange(raw.Stmt)...)
	}
	return slices.DeleteFunc(out, func(c SchemaChange) bool { return c.Table == "" }), nil
}

func schemaChange(n *pg.Node) []SchemaChange {
	switch {
	case n.GetCreateStmt() != nil:
		return made(n.GetCreateStmt().Relation)
	case n.GetCreateTableAsStmt() != nil && n.GetCreateTableAsStmt().Objtype == pg.ObjectType_OBJECT_TABLE:
		return made(n.GetCreateTableAsStmt().Into.Rel)
	case n.GetAlterTableStmt() != nil && n.GetAlterTableStmt().Objtype == pg.ObjectType_OBJECT_TABLE:
		return altered(n.GetAlterTableStmt())
	case n.GetRenameStmt() != nil:
		return renamed(n.GetRenameStmt())
	case n.GetAlterObjectSchemaStmt() != nil && n.GetAlterObjectSchemaStmt().ObjectType == pg.ObjectType_OBJECT_TABLE:
		s := n.GetAlterObjectSchemaStmt()
		return []SchemaChange{{s.Newschema, s.Relation.Relname, "rename_table", former(s.Relation)}}
	case n.GetIndexStmt() != nil:
		s := n.GetIndexStmt()
		return []SchemaChange{{s.Relation.Schemaname, s.Relation.Relname, "add_index", s.Idxname}}
	case n.GetCreateTrigStmt() != nil:
		s := n.GetCreateTrigStmt()
		return []SchemaChange{{s.Relation.Schemaname, s.Relation.Relname, "add_trigger", s.Trigname}}
	case n.GetDropStmt() != nil:
		return dropped(n.GetDropStmt())
	}
	return nil
}

func made(rel *pg.RangeVar) []SchemaChange {
	if rel.Relpersistence == "t" {
		return nil
	}
	return []SchemaChange{{rel.Schemaname, rel.Relname, "create_table", ""}}
}

// former is a relation's name before a change, qualified where the statement qualifies it.
func former(rel *pg.RangeVar) string {
	if rel.Schemaname == "" {
		return rel.Relname
	}
	return rel.Schemaname + "." + rel.Relname
}

// alterations are the kinds of ALTER TABLE's actions; all others are alter_other.
var alterations = map[pg.AlterTableType]string{
	pg.AlterTableType_AT_AddColumn: "add_column", pg.AlterTableType_AT_DropColumn: "drop_column", pg.AlterTableType_AT_AlterColumnType: "alter_type",
	pg.AlterTableType_AT_SetNotNull: "alter_null", pg.AlterTableType_AT_DropNotNull: "alter_null", pg.AlterTableType_AT_ColumnDefault: "alter_default",
	pg.AlterTableType_AT_AddConstraint: "add_constraint", pg.AlterTableType_AT_DropConstraint: "drop_constraint",
	pg.AlterTableType_AT_ValidateConstraint: "validate_constraint",
}

func altered(s *pg.AlterTableStmt) []SchemaChange {
	var out []SchemaChange
	for _, n := range s.Cmds {
		c := n.GetAlterTableCmd()
		kind, object := alterations[c.Subtype], c.Name
		if kind == "" {
			kind = "alter_other"
		}
		if d := c.Def.GetColumnDef(); d != nil && object == "" {
			object = d.Colname
		}
		if d := c.Def.GetConstraint(); d != nil {
			object = d.Conname
		}
		out = append(out, SchemaChange{s.Relation.Schemaname, s.Relation.Relname, kind, object})
	}
	return out
}

func renamed(s *pg.RenameStmt) []SchemaChange {
	switch {
	case s.RenameType == pg.ObjectType_OBJECT_TABLE:
		return []SchemaChange{{s.Relation.Schemaname, s.Newname, "rename_table", former(s.Relation)}}
	case s.RenameType == pg.ObjectType_OBJECT_COLUMN && s.RelationType == pg.ObjectType_OBJECT_TABLE:
		return []SchemaChange{{s.Relation.Schemaname, s.Relation.Relname, "rename_column", s.Newname}}
	case s.RenameType == pg.ObjectType_OBJECT_TABCONSTRAINT:
		return []SchemaChange{{s.Relation.Schemaname, s.Relation.Relname, "rename_constraint", s.Newname}}
	}
	return nil
}

// dropped is about tables and triggers; DROP INDEX does not name its table.
func dropped(s *pg.DropStmt) []SchemaChange {
	kind, after := "drop_table", 0
	switch s.RemoveType {
	case pg.ObjectType_OBJECT_TABLE:
	case pg.ObjectType_OBJECT_TRIGGER:
		kind, after = "drop_trigger", 1
	default:
		return nil
	}
	var out []SchemaChange
	for _, n := range s.Objects {
		var name []string
		for _, part := range n.GetList().GetItems() {
			name = append(name, part.GetString_().GetSval())
		}
		c := SchemaChange{Kind: kind}
		if after > 0 && len(name) > after {
			c.Object, name = name[len(name)-1], name[:len(name)-1]
		}
		c.Table = name[len(name)-1]
		if len(name) > 1 {
			c.Schema = name[len(name)-2]
		}
		out = append(out, c)
	}
	return out
}
