SELECT s.id AS series, s.object, s.measure, s.unit, ((h.n // 24 + 3) % 7 + 1)::INTEGER AS day_of_week, (h.n % 24)::INTEGER AS hour_of_day,
  avg(h.value) AS mean, median(h.value) AS p50, quantile_cont(h.value, 0.9) AS p90, count(*) AS hours
FROM series s JOIN (
  SELECT id, epoch_us(ts) // 3600000000 AS n, avg(value) AS value FROM points GROUP BY ALL
) h ON h.id = s.id
WHERE s.kind IN ('load', 'host')
GROUP BY ALL
