package engine

import (
	"context"
	"encoding/json"
	"strconv"

	"foreshadow/sql/rewrite"
	"foreshadow/sql/sqlerr"
)

// diff answers foreshadow.diff: the table's name and the two moments are computed.
func (s *querySession) diff(ctx context.Context, args []*string) (string, error) {
	name, err := s.nameOf(ctx, text(args[0]))
	if err != nil {
		return "", err
	}
	rels := map[string]*named{name.Key(): {}}
	if err := s.lookUp(ctx, []string{name.Key()}, rels); err != nil {
		return "", err
	}
	_, path, err := s.setting(ctx)
	if err != nil {
		return "", err
	}
	var at [2]AsOf
	var shapes [2]*Shape
	var columns []string
	for i := range at {
		if at[i], err = s.moment(ctx, text(args[1+i])); err != nil {
			return "", err
		}
		if at[i], err = s.source.Shadow.Moment(ctx, at[i]); err != nil {
			return "", err
		}
		if shapes[i], err = s.shapeThen(ctx, name, rels[name.Key()], path, at[i]); err != nil {
			return "", err
		}
		if shapes[i] == nil {
			return "", sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" does not exist", name.Name).WithHint("see foreshadow.tables for what is captured")
		}
		for _, c := range shapes[i].Columns {
			columns = append(columns, strconv.Itoa(int(c.AttNum)))
		}
	}
	if shapes[0].OID != shapes[1].OID {
		return "", sqlerr.New(sqlerr.FeatureNotSupported, "\"%s\" was another table at the other moment", name.Name).WithHint("It was dropped and created again, or renamed.")
	}
	if err := s.mayRead(ctx, &rewrite.Relation{OID: shapes[0].OID, Schema: shapes[0].Schema, Name: shapes[0].Name}, columns); err != nil {
		return "", err
	}
	return s.source.Shadow.Diff(ctx, shapes[0].OID, at[0], at[1])
}

// nameOf reads a table's name as PostgreSQL's functions do.
func (s *querySession) nameOf(ctx context.Context, given string) (rewrite.RelationName, error) {
	rows, err := s.mirror.Query(ctx, "SELECT pg_catalog.to_json(pg_catalog.parse_ident($1))::text", given)
	if err != nil {
		return rewrite.RelationName{}, err
	}
	var parts []string
	if len(rows) != 1 || rows[0][0] == nil || json.Unmarshal([]byte(*rows[0][0]), &parts) != nil {
		return rewrite.RelationName{}, sqlerr.New(sqlerr.Internal, "the mirror could not read a name")
	}
	switch len(parts) {
	case 1:
		return rewrite.RelationName{Name: parts[0]}, nil
	case 2:
		return rewrite.RelationName{Schema: parts[0], Name: parts[1]}, nil
	}
	return rewrite.RelationName{}, sqlerr.New(sqlerr.InvalidName, "\"%s\" is not a table's name", given).WithHint("Write it as in FROM: orders, or public.orders.")
}
