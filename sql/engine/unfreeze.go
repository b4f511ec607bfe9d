package engine

import (
	"foreshadow/sql/ast"
)

func unfreeze(st ast.Unfreeze) handler { return governed("UNFREEZE", st, nil) }
