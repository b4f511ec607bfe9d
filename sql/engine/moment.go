package engine

import (
	"context"
	"regexp"
	"strconv"
	"time"

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
