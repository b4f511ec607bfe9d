package risk

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"foreshadow/sql/sqlerr"
)

// CatalogSQL asks a PostgreSQL for a Catalog as one JSON text. Its parameters are the three lists of a script's Names.
//
//go:embed catalog.sql
var CatalogSQL string

// Catalog is what the server's catalog says of all that a script names and of what hangs together with it.
type Catalog struct {
	Version      int               `json:"version"` // the server's major
	TimeZone     string            `json:"time_zone"`
	AccessMethod string            `json:"access_method"` // of new tables
	Named        map[string]uint32 `json:"names"`
	Relations    []*Relation       `json:"relations"`
	TypeNames    map[string]uint32 `json:"type_names"`
	Types        []Type            `json:"types"`
	Casts        [][2]uint32       `json:"casts"`    // pairs of types with the same bytes
	Volatile     []string          `json:"volatile"` // functions that give another value for each row
}

// Relation is a table, view, sequence or index. An index has no facts but its name and its table.
type Relation struct {
	OID          uint32       `json:"oid"`
	Name         string       `json:"name"` // schema.name
	Kind         string       `json:"kind"` // as in pg_class.relkind
	Persistence  string       `json:"persistence"`
	Readable     bool         `json:"readable"` // by the role that asked
	Partition    bool         `json:"partition"`
	AccessMethod string       `json:"access_method"`
	Tablespace   string       `json:"tablespace"`
	Columns      []Column     `json:"columns"`
	Indexes      []Index      `json:"indexes"`
	Constraints  []Constraint `json:"constraints"`
	Views        []ViewUse    `json:"views"`
	Sequences    []Sequence   `json:"sequences"`
	Strategy     string       `json:"strategy"` // of a partitioned table: r, l or h
	Key          []int16      `json:"key"`      // its columns
	Default      uint32       `json:"default"`  // its default partition
	Parents      []uint32     `json:"parents"`
	Children     []uint32     `json:"children"`
	Table        *Relation    `json:"-"` // of an index
}

// Column is a column as pg_attribute has it.
type Column struct {
	Number    int16  `json:"number"`
	Name      string `json:"name"`
	Type      uint32 `json:"type"`
	Mod       int32  `json:"mod"`
	NotNull   bool   `json:"not_null"`
	Generated bool   `json:"generated"`
	Feeds     string `json:"feeds"` // the generated columns that are computed from it
	Collation uint32 `json:"collation"`
}

// Index is one index of a table; Columns has 0 for an expression.
type Index struct {
	OID         uint32  `json:"oid"`
	Name        string  `json:"name"`
	Columns     []int16 `json:"columns"`
	Uses        []int16 `json:"uses"` // also in expressions and the predicate
	Unique      bool    `json:"unique"`
	Primary     bool    `json:"primary"`
	Valid       bool    `json:"valid"`
	Whole       bool    `json:"whole"`       // not partial
	Expressions bool    `json:"expressions"` // in its key or its predicate
	Parent      uint32  `json:"parent"`
}

// Constraint is one constraint of a table; Type is as in pg_constraint.contype.
type Constraint struct {
	Name       string  `json:"name"`
	Type       string  `json:"type"`
	Columns    []int16 `json:"columns"`
	Valid      bool    `json:"valid"`
	References uint32  `json:"references"`
	Referenced []int16 `json:"referenced"`
	Index      uint32  `json:"index"`
	Parent     uint32  `json:"parent"`
	Check      string  `json:"check"` // the expression of a CHECK
}

// ViewUse says that a view reads a column; 0 is the whole table.
type ViewUse struct {
	View   string `json:"view"`
	Column int16  `json:"column"`
}

// Sequence belongs to a column.
type Sequence struct {
	OID      uint32 `json:"oid"`
	Name     string `json:"name"`
	Column   int16  `json:"column"`
	Identity bool   `json:"identity"`
}

// Type is a data type; Base and Mod are a domain's.
type Type struct {
	OID         uint32 `json:"oid"`
	Name        string `json:"name"`
	Kind        string `json:"kind"`
	Base        uint32 `json:"base"`
	Mod         int32  `json:"mod"`
	Collation   uint32 `json:"collation"`
	Constrained bool   `json:"constrained"`
}

// ReadCatalog reads the answer to CatalogSQL.
func ReadCatalog(text string) (*Catalog, error) {
	var c Catalog
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	for _, r := range c.Relations[:len(c.Relations):len(c.Relations)] {
		kind := "i"
		if r.Kind == "p" {
			kind = "I"
		}
		for _, i := range r.Indexes {
			c.Relations = append(c.Relations, &Relation{OID: i.OID, Name: i.Name, Kind: kind, Table: r})
		}
		for _, s := range r.Sequences {
			if c.relation(s.OID) == nil {
				c.Relations = append(c.Relations, &Relation{OID: s.OID, Name: s.Name, Kind: "S", Table: r})
			}
		}
	}
	return &c, nil
}

// hidden stands for a relation that the role may not read.
const hidden = "another relation"

// Restrict refuses names of relations that the role may not read, or that are not the primary's own, and takes the names from those that
// merely hang together with them.
func (c *Catalog) Restrict() error {
	for _, name := range slices.Sorted(maps.Keys(c.Named)) {
		r := c.relation(c.Named[name])
		if r != nil && r.Table != nil {
			r = r.Table
		}
		switch schema, short, _ := strings.Cut(r.shown(), "."); {
		case r == nil || schema == "foreshadow" || schema == "information_schema" || strings.HasPrefix(schema, "pg_"):
			return sqlerr.New(sqlerr.WrongObjectType, "\"%s\" is not a relation of the primary", strings.ReplaceAll(name, `"`, ""))
		case !r.Readable:
			return sqlerr.New(sqlerr.InsufficientPrivilege, "permission denied for table %s", short)
		}
	}
	for _, r := range c.Relations {
		owner := r
		if r.Table != nil {
			owner = r.Table
		}
		if !owner.Readable {
			r.Name = hidden
		}
	}
	for _, r := range c.Relations { // views are named by their readers
		for i := range r.Views {
			if v := r.Views[i].View; !slices.ContainsFunc(c.Relations, func(o *Relation) bool { return o.Name == v }) {
				r.Views[i].View = hidden
			}
		}
	}
	return nil
}

// shown is the relation's name; empty without a relation.
func (r *Relation) shown() string {
	if r == nil {
		return ""
	}
	return r.Name
}

// relation finds a relation by its OID; nil when it is not known.
func (c *Catalog) relation(oid uint32) *Relation {
	for _, r := range c.Relations {
		if r.OID == oid {
			return r
		}
	}
	return nil
}

// typ finds a type by its OID.
func (c *Catalog) typ(oid uint32) Type {
	for _, t := range c.Types {
		if t.OID == oid {
			return t
		}
	}
	return Type{}
}

// tree is a relation and, unless only it is meant, all below it.
func (c *Catalog) tree(r *Relation, only bool) []*Relation {
	out := []*Relation{r}
	if only {
		return out
	}
	for i := 0; i < len(out); i++ {
		for _, oid := range out[i].Children {
			if k := c.relation(oid); k != nil && !slices.Contains(out, k) {
				out = append(out, k)
			}
		}
	}
	return out
}

// ancestors are all tables above a relation.
func (c *Catalog) ancestors(r *Relation) []*Relation {
	out := []*Relation{r}
	for i := 0; i < len(out); i++ {
		for _, oid := range out[i].Parents {
			if k := c.relation(oid); k != nil && !slices.Contains(out, k) {
				out = append(out, k)
			}
		}
	}
	return out[1:]
}

// stored says whether the relation has rows of its own.
func (r *Relation) stored() bool { return r.Kind == "r" || r.Kind == "m" }

// column finds a column by name.
func (r *Relation) column(name string) (Column, bool) {
	i := slices.IndexFunc(r.Columns, func(c Column) bool { return c.Name == name })
	if i < 0 {
		return Column{}, false
	}
	return r.Columns[i], true
}

// constraint finds a constraint by name.
func (r *Relation) constraint(name string) (Constraint, bool) {
	i := slices.IndexFunc(r.Constraints, func(c Constraint) bool { return c.Name == name })
	if i < 0 {
		return Constraint{}, false
	}
	return r.Constraints[i], true
}

// readers are the views that read a column, or with 0 any part of the table, and the views of those.
func (c *Catalog) readers(r *Relation, column int16) []*Relation {
	var out []*Relation
	for _, v := range c.Relations {
		if slices.Contains(r.viewsOf(column), v.Name) {
			out = append(out, v)
		}
	}
	for i := 0; i < len(out); i++ {
		for _, v := range c.Relations {
			if slices.Contains(out[i].viewsOf(0), v.Name) && !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
	}
	return out
}

// viewsOf are the views that read a column, or with 0 any part of the table.
func (r *Relation) viewsOf(column int16) []string {
	var out []string
	for _, v := range r.Views {
		if column == 0 || v.Column == column {
			out = append(out, v.View)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
