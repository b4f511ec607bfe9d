package engine

import (
	"foreshadow/sql/ast"
)

func alterAccount(st ast.AlterAccount) handler { return governed("ALTER ACCOUNT", st, nil) }
