package engine

import (
	"context"

	"foreshadow/sql/result"
	"foreshadow/sql/types"
)

// The rules of a time zone are those of the release of the zone database that a program was built or installed with, and DuckDB has one of its own.
// What hangs on a zone is left to PostgreSQL unless both count alike in it, which is seen by the offsets of every noon and midnight, UTC, from 1840 to 2058.
// A name that PostgreSQL does not know gives NULL, not an error, which would end the client's transaction.
const (
	zonesSQL = `SELECT pg_catalog.sum((i * i % 1000003) * extract(epoch FROM pg_catalog.timezone($1::text, t) - pg_catalog.timezone('UTC', t))::bigint)::text
 FROM (SELECT i::bigint, pg_catalog.to_timestamp(i * 43200::bigint - 4102444800) AS t FROM pg_catalog.generate_series(1, 160000) i) x
 WHERE (SELECT EXISTS (SELECT FROM pg_catalog.pg_timezone_names WHERE pg_catalog.lower(name) = pg_catalog.lower($1::text)))`
	zonesDuckSQL = `SELECT CAST(sum((i * i % 1000003) * ((epoch_us(timezone($1, t)) - epoch_us(t)) // 1000000)) AS VARCHAR)
 FROM (SELECT i, make_timestamptz((i * 43200 - 4102444800) * 1000000) AS t FROM range(1, 160001) r(i))`
)

// alike says that the shadow counts in a zone as the mirror does. It is found out once for each zone that the shadow's engine knows; others are not alike.
func (s *querySession) alike(ctx context.Context, zone string) bool {
	if isUTC(zone) {
		return true
	}
	if known, ok := s.e.zones.Load(zone); ok {
		return known.(bool)
	}
	rows, err := s.source.Shadow.Query(ctx, Query{SQL: zonesDuckSQL, Params: []*string{&zone}, Fields: []result.Field{{Name: "sum", TypeOID: types.Text, TypMod: -1}}})
	if err != nil {
		return false
	}
	defer rows.Close()
	b, err := rows.Next(ctx)
	if err != nil || b.Len != 1 {
		return false
	}
	want, err := s.mirror.Query(ctx, zonesSQL, zone)
	if err != nil || len(want) != 1 {
		return false
	}
	same := text(want[0][0]) == string(b.Columns[0].Bytes[0])
	s.e.zones.Store(zone, same)
	if !same {
		s.e.o.Log.Warn("time zone has other rules in DuckDB than in PostgreSQL; statements that compute with it are lent", "zone", zone)
	}
	return same
}

// zones is alike for the translator, to which "" is the session's zone.
func (st *shadowStatement) zones(ctx context.Context, k *known) func(string) bool {
	return func(zone string) bool {
		if zone == "" {
			zone = k.zone()
		}
		return st.s.alike(ctx, zone)
	}
}

func isUTC(zone string) bool { return zone == "UTC" || zone == "Etc/UTC" }
