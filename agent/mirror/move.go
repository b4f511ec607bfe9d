package mirror

import (
	"context"
	_ "embed"
	"maps"
	"regexp"
	"slices"
	"strings"

	"foreshadow/sql/sqlerr"
)

// sessionState reads what a session has set.
//
//go:embed session_state.sql
var sessionState string

// restoreSetting applies one setting to a new backend.
const restoreSetting = "SELECT pg_catalog.set_config($1, $2, false)"

// customSetting finds names like foreshadow.as_of in SET and set_config.
var customSetting = regexp.MustCompile(`(?i)(?:\bSET\s+(?:SESSION\s+)?|set_config\s*\(\s*')"?([a-z_][a-z0-9_$]*)"?(\.[a-z_][a-z0-9_$]*)`)

// setting is one thing to do again on a new backend: a setting, or a statement such as PREPARE or LISTEN.
type setting struct{ kind, name, value string }

// ensure gives the session a backend on the server in force. An idle session whose server has been replaced moves: its
// settings, SQL-level prepared statements and LISTENs go with it, and statements are prepared again when next used.
func (s *Session) ensure(ctx context.Context) error {
	g := s.mirror.serving()
	if s.be != nil && (s.be.server == g || g == nil || !s.idle()) {
		return nil
	}
	if g == nil {
		return unavailable(errNotReady)
	}
	if s.be != nil {
		if err := s.leave(); err != nil || s.be != nil {
			return err
		}
	}
	if g = s.mirror.hold(); g == nil {
		return unavailable(errNotReady)
	}
	b, err := dial(ctx, g, s.role, s.database, s.params, s)
	if err == nil {
		s.setBackend(b)
	}
	s.mirror.release(g)
	if err != nil {
		s.dead = sqlerr.From(err)
		return s.dead
	}
	s.epoch++
	s.txEpoch++
	return s.restore()
}

// idle says whether nothing would be lost by leaving the backend now.
func (s *Session) idle() bool { return s.tx == 'I' && !s.dirty && s.active == nil && s.dead == nil }

// leave saves the session's state and closes its backend. A session with a held cursor stays.
func (s *Session) leave() error {
	name, err := s.question(sessionState)
	if err != nil {
		return err
	}
	names := slices.Collect(maps.Keys(s.custom))
	r, err := s.execute(name, [][]byte{[]byte(strings.Join(names, ","))}, nil, nil)
	if err != nil {
		return err
	}
	for !r.done && r.err == nil {
		if s.active != r {
			if err := r.fetch(); err != nil {
				return err
			}
		}
		if err := r.drain(); err != nil {
			return err
		}
	}
	if err := s.sync(); err != nil {
		return err
	}
	var saved []setting
	for _, row := range r.texts() {
		item := setting{*row[0], *row[1], *row[2]}
		if item.kind == "stay" {
			return nil
		}
		saved = append(saved, item)
	}
	s.saved = saved
	s.be.close()
	s.setBackend(nil)
	return nil
}

// restore applies the saved state to the new backend. What cannot be applied any more, such as a PREPARE on a dropped table, becomes a warning.
func (s *Session) restore() error {
	for _, item := range s.saved {
		if err := s.again(item); err != nil {
			if s.dead != nil {
				return s.dead
			}
			w := sqlerr.New("01000", "%s %q could not be carried over after a schema change", item.kind, item.name).WithDetail("%v", err)
			w.Severity = "WARNING"
			s.notices = append(s.notices, w)
		}
	}
	s.saved = nil
	return nil
}

// again does one item of the saved state.
func (s *Session) again(item setting) error {
	sql, params := item.value, [][]byte(nil)
	if item.kind == "setting" {
		sql, params = restoreSetting, [][]byte{[]byte(item.name), []byte(item.value)}
	}
	name, err := s.question(sql)
	if err != nil {
		return err
	}
	if item.kind != "setting" {
		defer delete(s.asked, sql)
	}
	if _, err := s.execute(name, params, nil, nil); err != nil {
		return err
	}
	return s.sync()
}

// depart moves an unused session off its server without waiting for its next statement.
func (s *Session) depart(g *generation) {
	if !s.mu.TryLock() {
		return
	}
	defer s.mu.Unlock()
	if s.be != nil && s.be.server == g && s.idle() {
		_ = s.leave() // an error has marked the session dead, or it stays
	}
}

// asOfSetting is carried over in any case, however it was set.
const asOfSetting = "foreshadow.as_of"
