package mirror

import (
	"fmt"

	"foreshadow/sql/result"
	"foreshadow/sql/sqlerr"

	"github.com/jackc/pgx/v5/pgproto3"
)

// statement is what is needed to prepare again after a move.
type statement struct {
	sql    string
	wire   string // its name in the backend
	oids   []uint32
	fields []result.Field
	params []uint32
	epoch  int
}

// prepare sends Parse and Describe and reads their answers.
func (s *Session) prepare(st *statement) error {
	s.send(&pgproto3.Parse{Name: st.wire, Query: st.sql, ParameterOIDs: st.oids}, &pgproto3.Describe{ObjectType: 'S', Name: st.wire}, &pgproto3.Flush{})
	if err := s.flush(); err != nil {
		return err
	}
	for {
		msg, err := s.receive()
		if err != nil {
			return err
		}
		switch m := msg.(type) {
		case *pgproto3.ParseComplete:
		case *pgproto3.ParameterDescription:
			st.params = append([]uint32(nil), m.ParameterOIDs...)
		case *pgproto3.RowDescription:
			st.fields = fieldsOf(m)
			st.epoch = s.epoch
			return nil
		case *pgproto3.NoData:
			st.fields, st.epoch = nil, s.epoch
			return nil
		default:
			return s.broken(fmt.Errorf("unexpected answer to Describe: %T", m))
		}
	}
}

// ready gives a statement that the backend has prepared.
func (s *Session) ready(name string) (*statement, error) {
	st := s.stmts[name]
	if st == nil {
		return nil, sqlerr.New(sqlerr.InvalidStatementName, "prepared statement %q does not exist", name)
	}
	if st.epoch != s.epoch { // the backend is another, or the client has discarded everything
		if err := s.prepare(st); err != nil {
			return nil, err
		}
	}
	return st, nil
}

// execute is Execute with the lock held.
func (s *Session) execute(name string, params [][]byte, formats, resultFormats []int16) (*rows, error) {
	st, err := s.ready(name)
	if err != nil {
		return nil, err
	}
	r := &rows{s: s, portal: s.nextName("p"), fields: st.fields, txEpoch: s.txEpoch}
	s.send(&pgproto3.Bind{DestinationPortal: r.portal, PreparedStatement: st.wire, ParameterFormatCodes: formats, Parameters: params, ResultFormatCodes: resultFormats})
	if err := r.fetch(); err != nil {
		return nil, err
	}
	if err := r.fill(); err != nil {
		return nil, err
	}
	return r, nil
}

// fieldsOf copies a row description, which the next message would overwrite.
func fieldsOf(m *pgproto3.RowDescription) []result.Field {
	out := make([]result.Field, len(m.Fields))
	for i, f := range m.Fields {
		out[i] = result.Field{Name: string(f.Name), TableOID: f.TableOID, AttNum: f.TableAttributeNumber, TypeOID: f.DataTypeOID, TypeSize: f.DataTypeSize, TypMod: f.TypeModifier}
	}
	return out
}
