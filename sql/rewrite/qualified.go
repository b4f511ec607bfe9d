package rewrite

import (
	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// unqualify takes the schema away from references to columns where the table's name alone says as much: nothing else in the statement has that name.
// What is put in a table's place can then keep its name.
func unqualify(m protoreflect.Message) {
	named := map[string]int{}
	visit(m, func(c protoreflect.Message) bool {
		switch n := c.Interface().(type) {
		case *pg.RangeVar:
			if n.Alias == nil {
				named[n.Relname]++
			}
		case *pg.RangeFunction:
			for _, f := range n.Functions {
				for _, item := range f.GetList().GetItems() {
					if call := item.GetFuncCall(); call != nil {
						_, name := funcName(call)
						named[name]++
					}
				}
			}
		case *pg.Alias:
			named[n.Aliasname]++
		}
		return true
	})
	visit(m, func(c protoreflect.Message) bool {
		if n, ok := c.Interface().(*pg.ColumnRef); ok && len(n.Fields) > 2 && named[n.Fields[len(n.Fields)-2].GetString_().GetSval()] == 1 {
			n.Fields = n.Fields[len(n.Fields)-2:]
		}
		return true
	})
}
