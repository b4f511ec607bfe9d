package types

import "fmt"

// Column is a column's name in DuckDB, which takes names that differ in the case of letters only for one. A name with capitals tells at its end which
// letters they are; it is longer than any name of PostgreSQL's then, and so no other column's.
func Column(name string) string {
	capitals := uint64(0)
	for i := range min(len(name), maxName) {
		if name[i] >= 'A' && name[i] <= 'Z' {
			capitals |= 1 << i
		}
	}
	if capitals == 0 {
		return name
	}
	return fmt.Sprintf("%s %0*x", name, maxName, capitals)
}

// ColumnName is the name that Column was given.
func ColumnName(column string) string {
	if len(column) > maxName {
		return column[:len(column)-maxName-1]
	}
	return column
}

// maxName is the most bytes that a name of PostgreSQL's has.
const maxName = 63
