package mirror

import (
	"context"

	"foreshadow/sql/sqlerr"
)

// maxAsked bounds how many of the engine's own questions stay prepared.
const maxAsked = 64

// Query asks a question of the engine's own (settings, names, privileges) in the client's transaction and returns all
// its rows as text; nil is NULL. It is one round trip once prepared and does not end the implicit transaction. In a
// failed transaction it gives 25P02; a question that itself fails leaves the transaction failed, as any statement does.
func (s *Session) Query(ctx context.Context, sql string, args ...string) ([][]*string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.watch(ctx)()
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	if s.tx == 'E' {
		return nil, sqlerr.New(sqlerr.InFailedTransaction, "current transaction is aborted, commands ignored until end of transaction block")
	}
	name, err := s.question(sql)
	if err != nil {
		return nil, err
	}
	params := make([][]byte, len(args))
	for i, a := range args {
		params[i] = []byte(a)
	}
	r, err := s.execute(name, params, nil, nil)
	if err != nil {
		return nil, err
	}
	for !r.done && r.err == nil {
		if s.active != r {
			if err := r.fetch(); err != nil {
				return nil, err
			}
		}
		if err := r.drain(); err != nil {
			return nil, err
		}
	}
	return r.texts(), r.err
}

// QueryRow is Query for the first row; it is nil when there is none.
func (s *Session) QueryRow(ctx context.Context, sql string, args ...string) ([]*string, error) {
	all, err := s.Query(ctx, sql, args...)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[0], nil
}

// question prepares a text once.
func (s *Session) question(sql string) (string, error) {
	if name, ok := s.asked[sql]; ok {
		return name, nil
	}
	if len(s.asked) >= maxAsked {
		for text, name := range s.asked {
			delete(s.asked, text)
			delete(s.stmts, name) // the backend keeps it until the session ends; it is small
		}
	}
	name := s.nextName("q")
	st := &statement{sql: sql, wire: name}
	if err := s.prepare(st); err != nil {
		return "", err
	}
	s.stmts[name], s.asked[sql] = st, name
	return name, nil
}

// texts turns what is held into rows of text.
func (r *rows) texts() [][]*string {
	var out [][]*string
	for _, b := range r.held {
		for i := range b.Len {
			row := make([]*string, len(b.Columns))
			for c := range b.Columns {
				if v := b.Columns[c].Bytes[i]; v != nil {
					text := string(v)
					row[c] = &text
				}
			}
			out = append(out, row)
		}
	}
	return out
}
