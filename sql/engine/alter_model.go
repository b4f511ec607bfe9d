package engine

import (
	"foreshadow/sql/ast"
)

func alterModel(st ast.AlterModel) handler { return governed("ALTER PREDICTIVE MODEL", st, nil) }
