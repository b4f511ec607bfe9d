package engine

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"foreshadow/sql/sqlerr"
)

// raised is how the translation raises PostgreSQL's errors inside DuckDB: FS, the SQLSTATE and the message.
var raised = regexp.MustCompile(`(?s)Invalid Input Error: FS([0-9A-Z]{5}):(.*)`)

// lacks is how DuckDB says that the shadow's table has not the columns that the mirror has, because one of them heard of a change before the other, or that
// its new storage is not committed yet.
var lacks = regexp.MustCompile(`Values list "s" does not have a column named|Table with name [bhnev]\d+_\d+ does not exist`)

// integers are DuckDB's names in its overflow errors and PostgreSQL's messages.
var integers = []struct{ duck, message string }{{"INT16", "smallint out of range"}, {"INT32", "integer out of range"}, {"INT64", "bigint out of range"}}

// typed are errors that show types, whose names say nothing of the error.
var typed = regexp.MustCompile(`Binder Error|Invalid type Error`)

// patterns turn DuckDB's words into PostgreSQL's, first match first.
var patterns = []struct{ words, code, message string }{
	{"More than one row returned by a subquery", "21000", "more than one row returned by a subquery used as an expression"},
	{"take logarithm", "2201E", "cannot take logarithm of this number"},
	{"square root of a negative", "2201F", "cannot take square root of a negative number"},
	{"DECIMAL", sqlerr.NumericOutOfRange, "numeric field overflow"},
	{"HUGEINT", sqlerr.NumericOutOfRange, "a number has more digits than the shadow can hold"},
	{"INT128", sqlerr.NumericOutOfRange, "a number has more digits than the shadow can hold"},
	{"Out of Range Error", sqlerr.NumericOutOfRange, "value out of range"},
	{"Out of Memory", sqlerr.OutOfMemory, "out of memory"},
	{"Conversion Error", sqlerr.InvalidText, "a value cannot be converted"},
	{"INTERRUPT", sqlerr.QueryCanceled, "canceling statement due to user request"},
	{"Interrupted", sqlerr.QueryCanceled, "canceling statement due to user request"},
}

// refused are the errors of DuckDB's binder and planner: PostgreSQL accepts the statement.
var refused = []string{"Binder Error", "Invalid type Error", "Catalog Error", "Parser Error", "Syntax Error", "Not implemented", "INTERNAL Error", "Invalid Input Error"}

// shadowError words an error of the shadow as PostgreSQL's. What is already worded stays.
func shadowError(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return sqlerr.From(err)
	}
	e := sqlerr.From(err)
	full := e.Message + "\n" + e.Detail
	if m := raised.FindStringSubmatch(full); m != nil {
		return sqlerr.New(m[1], "%s", strings.TrimRight(m[2], "\n"))
	}
	duck := strings.Contains(full, " Error: ") || strings.Contains(full, " Error:")
	if !duck && e.Code != sqlerr.Internal {
		return e
	}
	for _, i := range integers {
		if strings.Contains(full, i.duck) && (strings.Contains(full, "Overflow") || strings.Contains(full, "out of range") || strings.Contains(full, "Out of Range")) && !strings.Contains(full, "INT128") {
			return sqlerr.New(sqlerr.NumericOutOfRange, "%s", destination(full, i.message))
		}
	}
	if lacks.MatchString(full) {
		return sqlerr.New(sqlerr.ObjectNotInState, "the columns of a table have just changed on the primary").WithHint("Try again in a moment.")
	}
	for _, p := range patterns {
		if strings.Contains(full, p.words) && !typed.MatchString(full) {
			return sqlerr.New(p.code, "%s", p.message)
		}
	}
	for _, w := range refused {
		if strings.Contains(full, w) {
			return sqlerr.New(sqlerr.FeatureNotSupported, "this statement is not supported by the shadow").
				WithHint("PostgreSQL accepts this, the shadow's engine does not.").WithDetail("%s", firstLine(full))
		}
	}
	return e
}

var destinations = regexp.MustCompile(`destination type (INT16|INT32|INT64)`)

// destination prefers the type that a value was cast to over the type that it had.
func destination(full, message string) string {
	if m := destinations.FindStringSubmatch(full); m != nil {
		for _, i := range integers {
			if i.duck == m[1] {
				return i.message
			}
		}
	}
	return message
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
