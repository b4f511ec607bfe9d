// Package catalog holds the definition of schema foreshadow, the relations and functions that the agent adds to the source's own.
// The mirror creates them as empty relations with comments, so that PostgreSQL itself describes them to every tool;
// the shadow and the engine fill them, column by column in the order of foreshadow.sql.
package catalog

import _ "embed"

// SQL creates schema foreshadow; it is run by the mirror's superuser in every database of the mirror.
//
//go:embed foreshadow.sql
var SQL string
