package rewrite

import (
	"fmt"
	"strings"

	"foreshadow/sql/types"
)

var truncUnits = set("microseconds milliseconds second minute hour day week month quarter year")

// dateTrunc keeps the type, except that a date becomes a timestamptz.
func dateTrunc(t *translator, args []value, at int32) value {
	t.count(args, 2, at)
	unit := strings.ToLower(t.literalArg(args[0], "the unit"))
	if !truncUnits[unit] {
		t.refuse(at, "date_trunc to %s is not supported by the shadow", unit)
	}
	v := args[1]
	switch v.oid {
	case types.Date:
		v = t.explicit(v, types.TimestampTZ)
	case types.Timestamp, types.TimestampTZ:
	default:
		t.refuse(at, "date_trunc of this type is not supported by the shadow")
	}
	if v.oid == types.TimestampTZ {
		t.zoned("", at)
	}
	if v.oid == types.TimestampTZ && (unit == "hour" || unit == "minute") { // an hour may come twice, which DuckDB forgets
		local := "CAST(x AS TIMESTAMP)"
		return of(v.oid, let(v.sql, "CASE WHEN isfinite(x) THEN make_timestamptz(epoch_us(x) - (epoch_us("+local+") - epoch_us("+call("date_trunc", quoteLiteral(unit), local)+"))) ELSE x END"))
	}
	duck := types.Of(v.oid, -1).DuckDB
	cut := cast(call("date_trunc", quoteLiteral(unit), v.sql), duck)
	return of(v.oid, call("greatest", cut, cast("NULL", duck))) // which is cut itself: DuckDB forgets NULL when it compares date_trunc with a constant
}

var wholeFields = set("year month day hour minute dow isodow doy week quarter isoyear")

// extract is numeric with PostgreSQL's scale: six digits for seconds and epoch, three for milliseconds, none for the rest.
func extract(t *translator, args []value, at int32) value {
	t.count(args, 2, at)
	field := strings.ToLower(t.literalArg(args[0], "the field"))
	v := args[1]
	if v.oid == types.Interval && field != "epoch" || !isMoment(v.oid) && v.oid != types.Interval && v.oid != types.Time {
		t.refuse(at, "extract of %s from %s is not supported by the shadow", field, v.typeName())
	}
	if v.oid == types.Date && (field == "hour" || field == "minute") {
		t.refuse(at, "extract of %s from date is not supported by the shadow", field)
	}
	if v.oid == types.TimestampTZ && field != "epoch" { // whose years DuckDB counts without their era
		v = t.explicit(v, types.Timestamp)
	}
	if v.oid == types.Time && !contains([]string{"hour", "minute", "second"}, field) {
		t.refuse(at, "extract of %s from %s is not supported by the shadow", field, v.typeName())
	}
	switch {
	case field == "year" || field == "isoyear":
		year := call("date_part", quoteLiteral(field), v.sql)
		return finiteOnly(v, fixed(cast(year+" - CASE WHEN "+year+" <= 0 THEN 1 ELSE 0 END", "DECIMAL(38,0)"), 38, 0)) // there is no year 0
	case wholeFields[field]:
		return finiteOnly(v, fixed(cast(call("date_part", quoteLiteral(field), v.sql), "DECIMAL(38,0)"), 38, 0))
	case field == "second" && v.oid != types.Date:
		return finiteOnly(v, micros(call("date_part", "'microseconds'", v.sql)))
	case field == "epoch" && v.oid == types.Date:
		return finiteOnly(v, fixed(cast("epoch_us("+v.sql+") // 1000000", "DECIMAL(38,0)"), 38, 0))
	case field == "epoch" && v.oid == types.Interval:
		days := "365.25 * date_part('year', x) + 30 * date_part('month', x) + date_part('day', x)"
		return micros(let(v.sql, fmt.Sprintf("CAST((%s) * 86400000000 AS BIGINT) + date_part('hour', x) * 3600000000 + date_part('minute', x) * 60000000 + date_part('microseconds', x)", days)))
	case field == "epoch":
		return finiteOnly(v, micros("epoch_us("+v.sql+")"))
	}
	t.refuse(at, "extract of %s is not supported by the shadow", field)
	return value{}
}

// finiteOnly leaves a field of an infinite moment to PostgreSQL.
func finiteOnly(moment, field value) value {
	if isMoment(moment.oid) {
		field.sql = "CASE WHEN isinf(" + moment.sql + ") THEN " + fail("0A000", "fields of infinite moments are not supported by the shadow") + " ELSE " + field.sql + " END"
	}
	return field
}

// micros is a number of microseconds as seconds with six digits.
func micros(v string) value {
	return fixed("("+cast(v, "DECIMAL(31,0)")+" * CAST('0.000001' AS DECIMAL(7,6)))", 38, 6)
}

// datePart is extract as a float.
func datePart(t *translator, args []value, at int32) value {
	t.count(args, 2, at)
	if args[1].oid == types.Date {
		args[1] = t.explicit(args[1], types.Timestamp)
	}
	v := extract(t, args, at)
	return of(types.Float8, t.float(v, "DOUBLE"))
}

// timezone is AT TIME ZONE: between timestamp and timestamptz.
func timezone(t *translator, args []value, at int32) value {
	t.count(args, 2, at)
	if args[0].oid == types.Interval {
		t.refuse(at, "AT TIME ZONE with an interval is not supported by the shadow")
	}
	zone := t.literalArg(args[0], "the time zone")
	if !strings.Contains(zone, "/") && zone != "UTC" || strings.ContainsAny(zone, "+-<>0123456789") { // of one word it may be an abbreviation, which has no rules
		t.refuse(at, "this time zone is not supported by the shadow")
	}
	t.zoned(zone, at)
	v := args[1]
	switch v.oid {
	case types.Timestamp:
		return of(types.TimestampTZ, call("timezone", quoteLiteral(zone), v.sql))
	case types.TimestampTZ:
		return of(types.Timestamp, call("timezone", quoteLiteral(zone), v.sql))
	}
	t.refuse(at, "AT TIME ZONE of this type is not supported by the shadow")
	return value{}
}

func toTimestamp(t *translator, args []value, at int32) value {
	t.count(args, 1, at)
	if !isNumber(args[0].oid) {
		t.refuse(at, "to_timestamp of this type is not supported by the shadow")
	}
	since2000 := cast("("+t.explicit(args[0], types.Float8).sql+" - 946684800) * 1000000", "BIGINT") // which rounds half to even, as PostgreSQL does
	return of(types.TimestampTZ, call("make_timestamptz", since2000+" + 946684800000000"))
}

// charTokens are to_char's patterns and strftime's, longest first.
var charTokens = []struct{ pg, duck string }{
	{"YYYY", "%Y"}, {"HH24", "%H"}, {"HH12", "%I"}, {"IYYY", "%G"}, {"FMMonth", "%B"}, {"FMDay", "%A"}, {"Mon", "%b"}, {"DDD", "%j"}, {"MM", "%m"}, {"DD", "%d"},
	{"HH", "%I"}, {"MI", "%M"}, {"SS", "%S"}, {"US", "%f"}, {"MS", "%g"}, {"YY", "%y"}, {"Dy", "%a"}, {"AM", "%p"}, {"PM", "%p"}, {"IW", "%V"},
}

// toChar knows the patterns of every day; others are refused rather than printed otherwise.
func toChar(t *translator, args []value, at int32) value {
	t.count(args, 2, at)
	v := args[0]
	if !isMoment(v.oid) {
		t.refuse(at, "to_char of this type is not supported by the shadow")
	}
	format, out := t.literalArg(args[1], "the format"), ""
	if strings.Contains(format, "SSSS") { // seconds of the day
		t.refuse(at, "this format of to_char is not supported by the shadow")
	}
next:
	for format != "" {
		for _, x := range charTokens {
			if strings.HasPrefix(format, x.pg) {
				out, format = out+x.duck, format[len(x.pg):]
				continue next
			}
		}
		switch {
		case strings.ContainsRune(" -/.:,;_", rune(format[0])):
			out, format = out+format[:1], format[1:]
		case format[0] == '"' && strings.Contains(format[1:], `"`) && !strings.ContainsAny(format, `\`):
			text, rest, _ := strings.Cut(format[1:], `"`)
			out, format = out+strings.ReplaceAll(text, "%", "%%"), rest
		default:
			t.refuse(at, "this format of to_char is not supported by the shadow")
		}
	}
	at2 := t.explicit(v, types.Timestamp).sql
	return of(types.Text, "CASE WHEN date_part('year', "+at2+") BETWEEN 1 AND 9999 THEN "+call("strftime", at2, quoteLiteral(out))+" WHEN isfinite("+at2+") THEN "+
		fail("0A000", "to_char of this year is not supported by the shadow")+" END")
}
