// Package types is the table of PostgreSQL's types: how each is carried in batches and held in DuckDB.
// The shadow stores by it, the rewriter casts by it, the wire encodes by it: a new type is one row here.
package types

import "foreshadow/sql/result"

// The OIDs that code names.
const (
	Bool        = 16
	Bytea       = 17
	Name        = 19
	Int8        = 20
	Int2        = 21
	Int4        = 23
	Text        = 25
	OID         = 26
	JSON        = 114
	Float4      = 700
	Float8      = 701
	Unknown     = 705
	BPChar      = 1042
	Varchar     = 1043
	Date        = 1082
	Time        = 1083
	Timestamp   = 1114
	TimestampTZ = 1184
	Interval    = 1186
	Numeric     = 1700
	Record      = 2249
	UUID        = 2950
	LSN         = 3220
	JSONB       = 3802
)

// Type is one row: a PostgreSQL type, the kind that carries it and the DuckDB type that holds it.
// Exact says that DuckDB computes with it as PostgreSQL does; other types are kept in PostgreSQL's text form and only passed on.
type Type struct {
	OID    uint32
	Name   string
	Size   int16
	Kind   result.Kind
	DuckDB string
	Exact  bool
}

var table = map[uint32]Type{
	Bool:        {Bool, "boolean", 1, result.Bool, "BOOLEAN", true},
	Bytea:       {Bytea, "bytea", -1, result.Bytea, "BLOB", true},
	Name:        {Name, "name", 64, result.Text, "VARCHAR", true},
	Int8:        {Int8, "bigint", 8, result.Int, "BIGINT", true},
	Int2:        {Int2, "smallint", 2, result.Int, "SMALLINT", true},
	Int4:        {Int4, "integer", 4, result.Int, "INTEGER", true},
	Text:        {Text, "text", -1, result.Text, "VARCHAR", true},
	OID:         {OID, "oid", 4, result.Int, "UINTEGER", true},
	JSON:        {JSON, "json", -1, result.Text, "VARCHAR", false},
	Float4:      {Float4, "real", 4, result.Float, "FLOAT", true},
	Float8:      {Float8, "double precision", 8, result.Float, "DOUBLE", true},
	Unknown:     {Unknown, "unknown", -2, result.Text, "VARCHAR", true},
	BPChar:      {BPChar, "character", -1, result.Text, "VARCHAR", false},
	Varchar:     {Varchar, "character varying", -1, result.Text, "VARCHAR", true},
	Date:        {Date, "date", 4, result.Date, "DATE", true},
	Time:        {Time, "time without time zone", 8, result.Time, "TIME", true},
	Timestamp:   {Timestamp, "timestamp without time zone", 8, result.Timestamp, "TIMESTAMP", true},
	TimestampTZ: {TimestampTZ, "timestamp with time zone", 8, result.Timestamp, "TIMESTAMPTZ", true},
	Interval:    {Interval, "interval", 16, result.Interval, "INTERVAL", true},
	UUID:        {UUID, "uuid", 16, result.UUID, "UUID", true},
	LSN:         {LSN, "pg_lsn", 8, result.Int, "UBIGINT", true},
	JSONB:       {JSONB, "jsonb", -1, result.Text, "VARCHAR", false},
}

// Of looks a type up. A numeric with a precision of at most 38 digits becomes a DECIMAL; any type without a row,
// and a numeric of any precision, is carried as PostgreSQL's text.
func Of(oid uint32, typmod int32) Type {
	if oid == Numeric {
		return numeric(typmod)
	}
	if t, ok := table[oid]; ok {
		return t
	}
	return Type{OID: oid, Size: -1, Kind: result.Text, DuckDB: "VARCHAR"}
}

func numeric(typmod int32) Type {
	t := Type{OID: Numeric, Name: "numeric", Size: -1, Kind: result.Text, DuckDB: "VARCHAR"}
	if p, s, ok := Precision(typmod); ok && p <= 38 && s >= 0 && s <= p {
		t.Kind, t.DuckDB, t.Exact = result.Decimal, decimal(p, s), true
	}
	return t
}
