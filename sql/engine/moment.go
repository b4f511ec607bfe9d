package engine

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"time"

	"foreshadow/sql/ast"
	"foreshadow/sql/rewrite"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

// lsnPattern is PostgreSQL's form of a position.
var lsnPattern = regexp.MustCompile(`^[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}$`)

const hintMoment = "Give a time such as '2026-11-01 00:00+00' or a position such as '16/B374D848'."

// parseLSN reads a position; ok is false for anything else.
func parseLSN(s string) (lsn uint64, ok bool) {
	if !lsnPattern.MatchString(s) {
		return 0, false
	}
	for i := range s {
		if s[i] == '/' {
			hi, err1 := strconv.ParseUint(s[:i], 16, 32)
			lo, err2 := strconv.ParseUint(s[i+1:], 16, 32)
			return hi<<32 | lo, err1 == nil && err2 == nil
		}
	}
	return 0, false
}

// fromMicros turns the mirror's microseconds since 1970 into a time.
func fromMicros(text string) (time.Time, error) {
	us, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, sqlerr.New(sqlerr.InvalidDatetime, "the moment must be finite").WithHint(hintMoment)
	}
	return time.UnixMicro(us).UTC(), nil
}

// moment reads a position, or a timestamp as PostgreSQL does.
func (s *querySession) moment(ctx context.Context, text string) (AsOf, error) {
	if lsn, ok := parseLSN(text); ok {
		return AsOf{LSN: lsn}, nil
	}
	rows, err := s.mirror.Query(ctx, "SELECT (extract(epoch FROM $1::timestamptz) * 1000000)::bigint", text)
	if err != nil {
		return AsOf{}, momentError(err)
	}
	if len(rows) != 1 || rows[0][0] == nil {
		return AsOf{}, sqlerr.New(sqlerr.InvalidDatetime, "the moment must not be NULL").WithHint(hintMoment)
	}
	at, err := fromMicros(*rows[0][0])
	return AsOf{Time: at}, err
}

// asOfSetting is the session's moment; moments.sql and settings read it.
const asOfSetting = "foreshadow.as_of"

// span is a moment, To alone, or the interval up to it; a zero To is now, a zero From the beginning.
type span struct{ From, To AsOf }

// asOf reads the setting foreshadow.as_of, with the position that its time has now.
func (s *querySession) asOf(ctx context.Context, value *string) (AsOf, error) {
	if value == nil {
		return AsOf{}, nil
	}
	at, err := s.setTo(ctx, *value)
	if err != nil || at == (AsOf{}) {
		return at, err
	}
	return s.source.Shadow.Moment(ctx, at)
}

// setTo reads a value for foreshadow.as_of; an empty one and now are the present.
func (s *querySession) setTo(ctx context.Context, value string) (AsOf, error) {
	if v := strings.TrimSpace(value); v == "" || strings.EqualFold(v, "now") {
		return AsOf{}, nil
	}
	at, err := s.moment(ctx, value)
	if err != nil && sqlerr.From(err).Code == sqlerr.InvalidDatetime {
		return AsOf{}, sqlerr.New(sqlerr.InvalidParameterValue, "invalid value for parameter \"foreshadow.as_of\": \"%s\"", value).
			WithHint("%s RESET foreshadow.as_of shows the present.", hintMoment)
	}
	return at, err
}

// momentItems are the SELECT items with which the mirror computes the moments of a statement's periods, in a form that no setting changes.
func momentItems(periods []ast.Period) ([]string, error) {
	var items []string
	for _, p := range periods {
		for _, e := range p.Expressions() {
			text, err := rewrite.ConstantText(e)
			if err != nil {
				return nil, err
			}
			items = append(items, "pg_catalog.to_json((SELECT "+text+")) #>> '{}'")
		}
	}
	return items, nil
}

// spansOf reads the computed moments of periods, in the order of momentItems.
func (s *querySession) spansOf(ctx context.Context, periods []ast.Period, values []*string) (map[ast.Period]span, error) {
	out := map[ast.Period]span{}
	next := func(expr string) (AsOf, error) {
		if expr == "" {
			return AsOf{}, nil
		}
		v := values[0]
		values = values[1:]
		if v == nil {
			return AsOf{}, sqlerr.New(sqlerr.InvalidDatetime, "the moment of FOR SYSTEM_TIME must not be NULL").WithHint(hintMoment)
		}
		return s.moment(ctx, *v)
	}
	for _, p := range periods {
		from, err := next(p.From)
		if err != nil {
			return nil, err
		}
		to, err := next(p.To)
		if err != nil {
			return nil, err
		}
		switch {
		case p.Kind != ast.FromTo || to == (AsOf{}):
		case to.Time.IsZero():
			to.LSN--
		default:
			to.Time = to.Time.Add(-time.Microsecond)
		}
		at := span{from, to}
		for _, m := range []*AsOf{&at.From, &at.To} {
			if *m, err = s.source.Shadow.Moment(ctx, *m); err != nil {
				return nil, err
			}
		}
		out[p] = at
	}
	return out, nil
}

// spansNow computes the periods that have no parameter, when a statement is prepared.
func (s *querySession) spansNow(ctx context.Context, periods []ast.Period) (map[ast.Period]span, error) {
	var fixed []ast.Period
	for _, p := range periods {
		if !paramPattern.MatchString(p.From + " " + p.To) {
			fixed = append(fixed, p)
		}
	}
	items, err := momentItems(fixed)
	if err != nil || len(fixed) == 0 {
		return map[ast.Period]span{}, err
	}
	var values []*string
	if len(items) > 0 {
		name, _, _, err := s.mirror.Prepare(ctx, "SELECT "+strings.Join(items, ", "), nil)
		if err != nil {
			return nil, momentError(unplaced(err))
		}
		defer s.mirror.Deallocate(name)
		if values, err = s.ask(ctx, name, []session.Param{}); err != nil {
			return nil, momentError(unplaced(err))
		}
		if len(values) != len(items) {
			return nil, sqlerr.New(sqlerr.Internal, "the mirror did not compute the moments")
		}
	}
	return s.spansOf(ctx, fixed, values)
}

// momentError tells what a moment may be.
func momentError(err error) error {
	if e := sqlerr.From(err); len(e.Code) == 5 && e.Code[:2] == "22" {
		h := e.WithHint(hintMoment)
		h.Code = sqlerr.InvalidDatetime
		h.Position = 0
		return h
	}
	return err
}

// horizon reads an interval as PostgreSQL does, from now on the calendar.
func (s *querySession) horizon(ctx context.Context, text string) (time.Duration, error) {
	rows, err := s.mirror.Query(ctx, "SELECT (extract(epoch FROM (now() + $1::interval) - now()) * 1000000)::bigint", text)
	if err != nil {
		return 0, err
	}
	if len(rows) != 1 || rows[0][0] == nil {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue, "the horizon must not be NULL")
	}
	us, err := strconv.ParseInt(*rows[0][0], 10, 64)
	if err != nil {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue, "the horizon must be finite")
	}
	return positive(us)
}

// maxHorizon keeps a horizon inside what a time.Duration holds.
const maxHorizon = 100 * 366 * 24 * time.Hour

func positive(us int64) (time.Duration, error) {
	if us <= 0 {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue, "the horizon must be positive")
	}
	if us > maxHorizon.Microseconds() {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue, "the horizon is too far away").WithHint("It may be at most a hundred years.")
	}
	return time.Duration(us) * time.Microsecond, nil
}
