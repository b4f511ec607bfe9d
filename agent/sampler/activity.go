package sampler

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

//go:embed sql/activity.sql
var activitySQL string

// activity knows by whom the database was used lately. Applications may put anything into their name, so only the busiest have series
// of their own and all others are added up as "other".
type activity struct {
	top                 int
	users, applications map[string]float64 // active sessions, fading, by which the top is chosen
}

// readActivity counts the active sessions of each user and each application: averaged over an hour they are the seconds of work per second.
func (s *Sampler) readActivity(ctx context.Context, b *batch) error {
	rows, err := s.conn.Query(ctx, activitySQL)
	if err != nil {
		return fmt.Errorf("read pg_stat_activity: %w", err)
	}
	users, applications := map[string]float64{}, map[string]float64{}
	var total, active float64
	var user, application string
	_, err = pgx.ForEachRow(rows, []any{&user, &application, &active}, func() error {
		users[user] += active
		applications[application] += active
		total += active
		return nil
	})
	if err != nil {
		return fmt.Errorf("read pg_stat_activity: %w", err)
	}
	b.add("activity.total", total, "")
	s.activity.emit(b, "activity.user", s.activity.users, users)
	s.activity.emit(b, "activity.application", s.activity.applications, applications)
	return nil
}

// emit writes a value for each of the busiest names, zero for one that is idle or gone, and the sum of all others.
func (a *activity) emit(b *batch, series string, score, now map[string]float64) {
	for name := range now {
		score[name] += 0 // a new name takes part
	}
	names := make([]string, 0, len(score))
	for name := range score {
		if score[name] = 0.999*score[name] + now[name]; score[name] < 0.001 && now[name] == 0 {
			delete(score, name)
			continue
		}
		names = append(names, name)
	}
	slices.SortFunc(names, func(x, y string) int { return cmp.Or(cmp.Compare(score[y], score[x]), cmp.Compare(x, y)) })
	var other float64
	for i, name := range names {
		if i < a.top && name != "other" {
			b.add(series+":"+name, now[name], "")
		} else {
			other += now[name]
		}
	}
	b.add(series+":other", other, "")
}
