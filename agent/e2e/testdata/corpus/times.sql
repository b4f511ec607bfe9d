SELECT id, d, ts, tz, iv, tm, d::text, ts::text, tz::text, iv::text, tm::text FROM tame ORDER BY id;

SELECT id, d, ts, tz, iv, tm, d::text, ts::text, iv::text, tm::text FROM wild ORDER BY id;

SELECT id, tz::text FROM wild ORDER BY id;

SELECT id, d + 1, d - 1, 1 + d, d + i2, d - d, d - date '2000-01-01', d + interval '1 month', d - interval '1 day 1 hour', d + time '10:00', d + tm FROM tame ORDER BY id;

SELECT id, d + 1, d - 100 FROM wild ORDER BY id;

SELECT id, d - date '2000-01-01' FROM wild WHERE isfinite(d) ORDER BY id;

SELECT id, d + interval '1 month', ts + interval '1 month', tz + interval '1 month', ts - interval '1 year 2 months 3 days 04:05:06.789' FROM wild WHERE d < '9999-01-01' AND id > 3 ORDER BY id;

SELECT id, ts + interval '1 day', tz + interval '1 day', tz + interval '24 hours', tz - interval '1 day', tz + interval '1 month -1 day', tz - interval '1 month 1 hour' FROM tame ORDER BY id;

SELECT id, tz + interval '1 day', tz + interval '24 hours', tz - interval '1 day', tz - interval '24 hours' FROM wild WHERE id BETWEEN 6 AND 13 ORDER BY id;

SELECT id, tz + iv, tz - iv, ts + iv, ts - iv, d + iv, iv + d, iv + ts FROM tame ORDER BY id;

SELECT id, ts - timestamp '2026-01-01', tz - timestamptz '2026-01-01 00:00+00', ts - tz, tz - ts, ts - d, age(ts, timestamp '2020-02-29'), age(tz, '2020-02-29'), d - ts FROM tame ORDER BY id;

SELECT id, ts - timestamp '2000-01-01', tz - timestamptz '2000-01-01 00:00+00' FROM wild WHERE isfinite(ts) ORDER BY id;

SELECT id, iv + interval '1 day', iv - interval '1 hour', iv * 2, 2 * iv, iv * 1.5, iv / 3, -iv, iv / 0.5, iv > interval '1 month', iv = interval '30 days' FROM tame ORDER BY id;

SELECT id, justify_days(iv), justify_hours(iv), justify_interval(iv), extract(epoch FROM iv), extract(day FROM iv), extract(month FROM iv), extract(hour FROM iv), extract(second FROM iv), date_trunc('hour', iv), date_part('minute', iv), isfinite(iv) FROM tame ORDER BY id;

SELECT id, iv = interval '1 day', iv < interval '24 hours', iv > interval '1 mon', iv BETWEEN interval '0' AND interval '1 year', iv IN ('1 day', '24:00:00') FROM wild ORDER BY id;

SELECT a.id, b.id FROM wild a JOIN wild b ON a.iv = b.iv AND a.id < b.id ORDER BY 1, 2;

SELECT id, tm + interval '1 hour', tm - interval '13 hours', tm - time '01:00', tm > '12:00', tm::interval, tm + d, tm::text, tm::time(0), extract(hour FROM tm), extract(second FROM tm), extract(epoch FROM tm), date_part('minute', tm) FROM tame ORDER BY id;

SELECT id, ts::date, tz::date, ts::time, tz::time, d::timestamp, d::timestamptz, ts::timestamptz, tz::timestamp, tz::timetz, ts::timestamp(0), tz::timestamptz(1) FROM tame ORDER BY id;

SELECT id, ts::date, tz::date, d::timestamp, ts::timestamptz, tz::timestamp FROM wild ORDER BY id;

SELECT id, ts::time, tz::time FROM wild WHERE isfinite(ts) ORDER BY id;

SELECT id, date_trunc('microseconds', ts), date_trunc('milliseconds', ts), date_trunc('second', ts), date_trunc('minute', ts), date_trunc('hour', tz), date_trunc('day', tz), date_trunc('week', tz), date_trunc('month', tz), date_trunc('quarter', tz), date_trunc('year', tz), date_trunc('decade', ts), date_trunc('century', ts), date_trunc('millennium', d) FROM tame ORDER BY id;

SELECT id, date_trunc('hour', ts), date_trunc('day', ts), date_trunc('week', ts), date_trunc('month', ts), date_trunc('quarter', ts), date_trunc('year', ts), date_trunc('year', d), date_trunc('week', d) FROM wild ORDER BY id;

SELECT id, date_trunc('day', tz), date_trunc('hour', tz), date_trunc('week', tz), date_trunc('month', tz), date_trunc('year', tz) FROM wild ORDER BY id;

SELECT id, date_trunc('day', tz, 'Asia/Tokyo'), date_bin('15 minutes', ts, '2026-01-01'), date_bin('1 hour 5 minutes', tz, '2026-01-01 00:00+00') FROM tame ORDER BY id;

SELECT id, extract(year FROM d), extract(month FROM d), extract(day FROM d), extract(dow FROM d), extract(isodow FROM d), extract(doy FROM d), extract(week FROM d), extract(isoyear FROM d), extract(quarter FROM d), extract(epoch FROM d), extract(century FROM d), extract(decade FROM d), extract(millennium FROM d), extract(julian FROM d) FROM wild ORDER BY id;

SELECT id, extract(hour FROM ts), extract(minute FROM ts), extract(second FROM ts), extract(milliseconds FROM ts), extract(microseconds FROM ts), extract(epoch FROM ts), extract(year FROM ts), extract(doy FROM ts), extract(week FROM ts) FROM wild ORDER BY id;

SELECT id, extract(hour FROM tz), extract(day FROM tz), extract(epoch FROM tz), extract(timezone FROM tz), extract(timezone_hour FROM tz), extract(second FROM tz), date_part('year', tz), date_part('epoch', tz), date_part('dow', tz) FROM wild ORDER BY id;

SELECT id, extract(dow FROM tz), extract(hour FROM tz), extract(epoch FROM tz), extract(isoyear FROM d), extract(week FROM d), date_part('second', tz), date_part('doy', ts) FROM tame ORDER BY id;

-- error
SELECT extract(hour FROM d) FROM tame;

-- error
SELECT extract(nope FROM ts) FROM tame;

-- either (as of 18 it is allowed)
SELECT extract(week FROM iv) FROM tame;

-- error
SELECT date_trunc('nope', ts) FROM tame;

SELECT id, ts AT TIME ZONE 'Europe/Berlin', tz AT TIME ZONE 'Europe/Berlin', ts AT TIME ZONE 'UTC', tz AT TIME ZONE 'America/New_York', timezone('Asia/Kolkata', ts), ts AT TIME ZONE INTERVAL '-03:30', tz AT TIME ZONE '+05:30', tm AT TIME ZONE 'UTC' IS NULL FROM tame ORDER BY id;

SELECT id, ts AT TIME ZONE 'America/New_York', tz AT TIME ZONE 'America/New_York', ts AT TIME ZONE 'Europe/Berlin' FROM wild ORDER BY id;

SELECT id, ts AT TIME ZONE v FROM tame WHERE v IS NULL ORDER BY id;

-- error
SELECT ts AT TIME ZONE 'Nowhere/Land' FROM tame;

SELECT id FROM tame WHERE d = '2026-03-01' OR d > 'infinity' OR ts < '2026-03-08' OR tz > '2026-11-01 01:30' OR tz = '2026-10-31 20:00:00.125+00' ORDER BY id;

SELECT id, d > ts, ts = tz, d = tz, d < tz, ts > d, d BETWEEN '2026-02-28' AND ts, greatest(d, ts), least(ts, tz), coalesce(d, tz) FROM tame ORDER BY id;

SELECT id, d > ts, ts = tz, d < tz, d = 'infinity', ts < 'infinity', tz = '-infinity', isfinite(d), isfinite(ts) FROM wild ORDER BY id;

SELECT id, (d, d + 3) OVERLAPS (date '2026-03-01', date '2026-03-05'), make_date(2026, g + 1, 1), make_timestamp(2026, 1, id % 28 + 1, 1, 2, 3.5), make_interval(days => g, hours => id), make_timestamptz(2026, 3, 8, 2, 30, 0) FROM tame ORDER BY id;

SELECT id, to_timestamp(id), to_timestamp(id * 1000000.5), to_timestamp(w), to_timestamp(i8) FROM tame ORDER BY id;

SELECT id, to_char(d, 'YYYY-MM-DD'), to_char(ts, 'Day, DD Month YYYY'), to_char(ts, 'HH12:MI:SS.MS AM'), to_char(tz, 'YYYY-MM-DD"T"HH24:MI:SSOF'), to_char(tz, 'TZ'), to_char(d, 'IYYY-IW-ID'), to_char(d, 'Q WW DDD J CC'), to_char(d, 'FMDD FMMonth'), to_char(d, 'DDth Mon RM'), to_char(iv, 'DD HH24:MI:SS'), to_char(d, 'YY Y,YYY BC') FROM tame ORDER BY id;

SELECT id, to_char(d, 'YYYY-MM-DD'), to_char(ts, 'YYYY-MM-DD HH24:MI:SS.US'), to_char(ts, 'Dy DD Mon YY HH12 AM'), to_char(d, 'IYYY IW DDD') FROM wild ORDER BY id;

SELECT id, to_char(tz, 'YYYY-MM-DD HH24:MI:SS'), to_char(ts, 'MI:SS.MS'), to_char(d, 'FMMonth FMDay'), to_char(ts, 'HH') FROM wild ORDER BY id;

SELECT d, count(*) FROM tame GROUP BY d ORDER BY d NULLS FIRST;

SELECT date_trunc('hour', tz) AS h, count(*), min(tz), max(tz) FROM tame GROUP BY h ORDER BY h;

SELECT min(d), max(d), max(d) - min(d), max(ts) - min(ts), max(tz) - min(tz), avg(ts - timestamp '2026-01-01') FROM tame;

SELECT id FROM tame WHERE tz >= now() - interval '100 years' AND tz < now() + interval '100 years' AND d <> current_date + 40000 ORDER BY id;

SELECT id FROM tame WHERE ts BETWEEN '2026-03-08 01:00' AND '2026-03-08 04:00' ORDER BY ts, id;

SELECT id, d = ANY (ARRAY[date '2026-03-01', '2026-03-02']), tz IN ('2026-10-31 20:47:00.125+00', '2026-11-01 00:00+00'), ts IN (d, d + interval '1 hour') FROM tame ORDER BY id;

-- error
SELECT id FROM tame WHERE d = '2026-02-30';

-- error
SELECT id FROM tame WHERE d = 'yesterdayish';

-- error
SELECT id FROM tame WHERE ts > '25:00';

-- error
SELECT id FROM tame WHERE iv > '1 fortnight';

-- error
SELECT d + d FROM tame;

-- error
SELECT d - s FROM tame;

-- error
SELECT ts - interval '8000 years' FROM tame;

-- error
SELECT d - 3000000 FROM tame;

-- error
SELECT d + 2147483647 FROM tame;

-- error
SELECT make_date(2026, 13, g) FROM tame;

SELECT id, nullif('apple', s) FROM tame ORDER BY 2 NULLS FIRST, 1;

SELECT id, nullif(5, g) FROM tame ORDER BY 2 DESC, 1;

SELECT id FROM tame WHERE date_trunc('day', tz) <> to_timestamp(7);

SELECT id FROM wild WHERE NOT (date_trunc('month', ts) = timestamp '2026-03-08 07:00:00') OR date_trunc('year', d) >= timestamp '2026-03-08 07:00:00';

SELECT id, date_trunc('month', ts) = timestamp '2026-03-08 07:00:00', date_trunc('week', tz) IS DISTINCT FROM to_timestamp(7), date_trunc('day', ts) < timestamp '2026-03-08 07:00:00' FROM wild;

SELECT id, tz AT TIME ZONE 'CET', tz AT TIME ZONE 'EST', tz AT TIME ZONE 'BST', ts AT TIME ZONE 'MST', tz AT TIME ZONE 'japan' FROM wild ORDER BY id;

SELECT id, to_timestamp(f8), to_timestamp(w / 7), to_timestamp(i4 / 7.0::float8), to_timestamp(1795737600 + f8) FROM tame ORDER BY id;

SELECT id, to_char(ts, 'SSSS'), to_char(ts, 'SSSSS') FROM tame ORDER BY id;

SELECT id, tz AT TIME ZONE 'Africa/Casablanca' FROM wild ORDER BY id;

SELECT id, tz AT TIME ZONE 'Europe/Oslo', ts AT TIME ZONE 'Europe/Oslo' FROM wild ORDER BY id;
