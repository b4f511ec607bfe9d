package risk

import (
	"fmt"
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// alterType rewrites unless the stored bytes stay right: ATColumnChangeRequiresRewrite in PostgreSQL's tablecmds.c.
func (k *classifier) alterType(rv *pg.RangeVar, r *Relation, c *pg.AlterTableCmd) change {
	def := c.Def.GetColumnDef()
	col, ok := r.column(c.Name)
	if !ok {
		k.step.Fails = fmt.Sprintf("column %q of %s does not exist", c.Name, r.Name)
		return catalogOnly(AccessExclusive, true)
	}
	if views := r.viewsOf(col.Number); len(views) > 0 {
		k.step.Fails = fmt.Sprintf("view %s reads column %q; drop it before and make it again after", strings.Join(views, ", "), c.Name)
	}
	if col.Feeds != "" {
		k.step.Fails = fmt.Sprintf("column %s is computed from column %q", col.Feeds, c.Name)
	}
	to, mod := k.target(def.TypeName)
	rewrite := k.rewrites(col, to, mod, def, c.Name)
	if to.OID != col.Type {
		k.step.Breaks = append(k.step.Breaks, Break{Relation: r, Column: c.Name, How: "of another type"})
	}
	k.linkedTo(r, col)
	if rewrite && to.Kind == "d" {
		k.step.Notes = append(k.step.Notes, "a column of the domain's base type, with the domain's conditions as CHECKs that are added NOT VALID, needs no rewrite")
	} else if rewrite {
		k.saferType(rv, r, col, def)
	}
	return change{lock: AccessExclusive, recurse: true, work: func(t *Relation) Effect {
		e := Effect{Rewrite: rewrite}
		tc, _ := t.column(c.Name)
		for _, i := range t.Indexes {
			if !rewrite && slices.Contains(i.Uses, tc.Number) && k.rebuilds(tc, to, def, i) {
				e.Builds++
			}
		}
		e.Scan = !rewrite && slices.ContainsFunc(t.Constraints, func(o Constraint) bool { return o.Type == "c" && slices.Contains(o.Columns, tc.Number) })
		for _, i := range t.Indexes {
			if slices.Contains(i.Uses, tc.Number) {
				k.on(Effect{Lock: AccessExclusive}, k.relation(i.OID))
			}
		}
		for _, s := range t.Sequences {
			if s.Column == tc.Number && s.Identity {
				k.on(Effect{Lock: ShareRowExclusive}, k.relation(s.OID))
			}
		}
		return e
	}}
}

// saferType is a second column that is filled beside the load.
func (k *classifier) saferType(rv *pg.RangeVar, r *Relation, col Column, def *pg.ColumnDef) {
	table, old, wide, typ := written(rv), ident(col.Name), ident(col.Name+"_new"), typeText(def)
	value := old + "::" + typ
	if def.RawDefault != nil {
		value = expression(def.RawDefault)
	}
	swap := "BEGIN; ALTER TABLE " + table + " DROP COLUMN " + old + "; ALTER TABLE " + table + " RENAME COLUMN " + wide + " TO " + old + "; COMMIT;"
	referenced := slices.ContainsFunc(k.Relations, func(o *Relation) bool {
		return slices.ContainsFunc(o.Constraints, func(f Constraint) bool {
			return f.Type == "f" && f.References == r.OID && slices.Contains(f.Referenced, col.Number)
		})
	})
	if referenced || k.step.Fails != "" {
		swap = "-- what refers to " + old + " refers to " + wide + " instead; then: " + swap
	}
	k.say("ALTER TABLE "+table+" ADD COLUMN "+wide+" "+typ+";",
		"-- a trigger BEFORE INSERT OR UPDATE sets "+wide+" to "+value,
		"UPDATE "+table+" SET "+wide+" = "+value+" WHERE "+wide+" IS NULL AND "+old+" IS NOT NULL; -- by key, in batches of some thousand rows, each its own transaction",
		"-- indexes and constraints of "+old+" for "+wide+": CONCURRENTLY, NOT VALID and VALIDATE",
		swap)
}

// linkedTo locks the tables at the other end of the column's foreign keys, which are dropped and made again.
func (k *classifier) linkedTo(r *Relation, col Column) {
	for _, o := range k.Relations {
		for _, f := range o.Constraints {
			switch {
			case f.Type != "f":
			case o == r && slices.Contains(f.Columns, col.Number):
				k.on(Effect{Lock: AccessExclusive}, k.relation(f.References))
			case f.References == r.OID && slices.Contains(f.Referenced, col.Number):
				k.on(Effect{Lock: AccessExclusive, Scan: o.stored(), Check: true}, o)
			}
		}
	}
}

// target is the type that a TypeName means, with its modifier in PostgreSQL's encoding; -1 is none.
func (k *classifier) target(t *pg.TypeName) (Type, int32) {
	typ := k.typ(k.TypeNames[typeKey(t)])
	var mods []int32
	for _, m := range t.Typmods {
		mods = append(mods, m.GetAConst().GetIval().GetIval())
	}
	switch {
	case typ.Name == "bpchar" && len(mods) == 0 && last(t.Names) == "bpchar" && len(t.Names) > 1:
		return typ, 1 + 4
	case len(mods) == 0:
		return typ, -1
	}
	switch typ.Name {
	case "varchar", "bpchar":
		return typ, mods[0] + 4
	case "numeric":
		scale := int32(0)
		if len(mods) > 1 {
			scale = mods[1]
		}
		return typ, mods[0]<<16 | scale&0x7ff + 4
	}
	return typ, mods[0]
}

// rewrites says whether the rows must be written anew for a column to be of another type.
func (k *classifier) rewrites(col Column, to Type, mod int32, def *pg.ColumnDef, name string) bool {
	if using := def.RawDefault; using != nil && last(bare(using).GetColumnRef().GetFields()) != name {
		return true
	}
	from := k.typ(col.Type)
	fromMod := col.Mod
	if from.Kind == "d" && from.OID != to.OID {
		from, fromMod = k.typ(from.Base), from.Mod
	}
	if to.Kind == "d" && from.OID != to.OID {
		if to.Constrained {
			return true
		}
		mod = to.Mod
		to = k.typ(to.Base)
	}
	switch {
	case from.OID == 0 || to.OID == 0:
		return true
	case from.OID == to.OID:
		return !widens(from.Name, fromMod, mod)
	case slices.Contains(k.Casts, [2]uint32{from.OID, to.OID}):
		return mod >= 0 && !(from.Name == "varchar" && to.Name == "varchar")
	case from.Name == "timestamp" && to.Name == "timestamptz" || from.Name == "timestamptz" && to.Name == "timestamp":
		return !utc(k.TimeZone) || mod >= 0
	}
	return true
}

// utc says whether a session's time zone is UTC always, as PostgreSQL asks.
func utc(zone string) bool {
	return slices.Contains([]string{"UTC", "GMT", "Etc/UTC", "Etc/GMT"}, zone)
}

// widens says whether every value of a type with one modifier has the same bytes with another.
func widens(typ string, from, to int32) bool {
	if to < 0 || from == to {
		return true
	}
	if from < 0 {
		return false
	}
	switch typ {
	case "varchar", "varbit":
		return to >= from
	case "numeric":
		return from&0x7ff == to&0x7ff && to>>16 >= from>>16 || (from-4)&0x7ff == (to-4)&0x7ff && to >= from
	case "timestamp", "timestamptz", "time", "timetz":
		return to >= from
	}
	return false
}

// rebuilds says whether an index must be built anew though the rows stay: another family of operators, another collation, or expressions,
// which PostgreSQL does not compare.
func (k *classifier) rebuilds(col Column, to Type, def *pg.ColumnDef, i Index) bool {
	from := k.typ(col.Type)
	if i.Expressions {
		return true
	}
	if def.CollClause != nil {
		return true
	}
	stringy := func(t Type) bool { return t.Name == "text" || t.Name == "varchar" }
	return from.OID != to.OID && !(stringy(from) && stringy(to))
}
