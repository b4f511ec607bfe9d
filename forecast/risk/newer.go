package risk

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// newer says what a statement has of PostgreSQL 18's grammar, which the parser of 17 does not read.
type newer struct {
	virtual    bool // GENERATED ... VIRTUAL
	unenforced bool // NOT ENFORCED
	notNull    bool // ADD [CONSTRAINT c] NOT NULL column, read as CHECK (column IS NOT NULL)
}

func (n newer) any() bool { return n.virtual || n.unenforced || n.notNull }

// older words a statement of 18's grammar in 17's: VIRTUAL as STORED, NOT ENFORCED as NOT VALID, and a NOT NULL constraint of the table as a
// CHECK. ok is false when there is nothing of the kind in it.
func older(text string) (plain string, n newer, ok bool) {
	scan, err := pg.Scan(text)
	if err != nil {
		return "", n, false
	}
	var out strings.Builder
	tokens := scan.Tokens
	word := func(i int) string {
		if i < 0 || i >= len(tokens) {
			return ""
		}
		return strings.ToLower(text[tokens[i].Start:tokens[i].End])
	}
	from := 0
	replace := func(first, last int, by string) {
		out.WriteString(text[from:tokens[first].Start] + by)
		from = int(tokens[last].End)
	}
	depth, generated := 0, -1
	for i := range tokens {
		switch word(i) {
		case "(":
			depth++
		case ")":
			depth--
			if depth == generated && word(i+1) != "stored" && word(i-1) != "(" {
				n.virtual = true
				generated = -1
				if word(i+1) == "virtual" {
					replace(i+1, i+1, "STORED")
				} else {
					replace(i, i, ") STORED")
				}
			}
		case "as":
			if word(i-1) == "always" && word(i-2) == "generated" && word(i+1) == "(" {
				generated = depth
			}
		case "enforced":
			if word(i-1) == "not" {
				n.unenforced = true
				replace(i, i, "VALID")
			}
		case "not":
			tableConstraint := word(i-1) == "add" || word(i-2) == "constraint" && word(i-3) == "add"
			if tableConstraint && word(i+1) == "null" && i+2 < len(tokens) {
				n.notNull = true
				replace(i, i+2, "CHECK ("+text[tokens[i+2].Start:tokens[i+2].End]+" IS NOT NULL)")
			}
		}
	}
	return out.String() + text[from:], n, n.any()
}
