package engine

import (
	"context"
	"slices"

	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

// A constant expression may fail although PostgreSQL never computes it, as no row asks for it or a branch of CASE is not taken. Then no constants are
// computed ahead, and PostgreSQL runs the statement over lent rows.

// constantError is the error of a constant, of which the client's transaction knows nothing.
type constantError struct{ error }

// Unwrap gives the error itself.
func (e constantError) Unwrap() error { return e.error }

// attempt runs a fold. A constant's error leaves the client's transaction as it was, but where other statements of its implicit transaction have run,
// since that has no savepoints.
func (st *shadowStatement) attempt(ctx context.Context, f *fold, params []session.Param) ([]*string, error) {
	s := st.s
	block := s.mirror.TxStatus() == 'T'
	if len(f.constants) == 0 || s.begun && !block {
		return st.checked(ctx, f.name, params)
	}
	if block {
		if err := s.runOnMirror(ctx, "SAVEPOINT foreshadow_constants"); err != nil {
			return nil, err
		}
	}
	answer, err := st.checked(ctx, f.name, params)
	if err != nil && outside[sqlerr.Code(err)[:2]] {
		return nil, err
	}
	if err != nil && block {
		if err := s.runOnMirror(ctx, "ROLLBACK TO SAVEPOINT foreshadow_constants"); err != nil {
			return nil, err
		}
	}
	if block {
		if err := s.runOnMirror(ctx, "RELEASE SAVEPOINT foreshadow_constants"); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, constantError{err}
	}
	return answer, nil
}

// outside are the classes of errors that are not an expression's.
var outside = map[string]bool{"08": true, "25": true, "53": true, "57": true, "58": true, "XX": true}

// checked runs a statement of one row on the mirror, after it has been found that the role may run the client's.
func (st *shadowStatement) checked(ctx context.Context, name string, params []session.Param) ([]*string, error) {
	values, formats := split(params)
	rows, err := st.s.mirror.Check(ctx, st.analysis, name, values, formats)
	if err != nil {
		return nil, err
	}
	return firstRow(ctx, rows)
}

// askBare computes the settings and the moments alone.
func (st *shadowStatement) askBare(ctx context.Context, params []session.Param) (*fold, []*string, error) {
	if st.bare == nil {
		f, err := st.compute(ctx, nil)
		if err != nil {
			return nil, nil, err
		}
		st.bare = &f
	}
	answer, err := st.checked(ctx, st.bare.name, params)
	return st.bare, answer, err
}

// lendBare prepares a statement for lent rows that are found without constants, which those of functions are not.
func (st *shadowStatement) lendBare(ctx context.Context, failed error) (err error) {
	if st.lent == nil {
		if st.lent, err = st.lend(ctx, failed); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(st.lent.loans, func(lo loan) bool { return lo.Relation == nil }) {
		return failed
	}
	return nil
}
