# rhythm(t) is the shop's load at the Unix time t (UTC), in transactions per second: low at night, highest in the evening and on
# Sundays, a little higher every week. The load and the generated load history share it.
function rhythm(t, now,   hour, dow, wave) {
  hour = (t % 86400) / 3600
  dow = (int(t / 86400) + 4) % 7                      # 0 is Sunday
  wave = sin(3.14159265 * ((hour + 20) % 24) / 24)
  return 40 * (dow == 0 ? 1.35 : dow == 6 ? 1.25 : dow == 5 ? 1.05 : 0.9) * (0.35 + wave * wave) * exp((t - now) / 86400 * 0.002)
}
