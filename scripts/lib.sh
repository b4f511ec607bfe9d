# Shared by the scripts: the cache folder outside the checkout, and a way to become root for installing.
# shellcheck shell=bash
cache="${XDG_CACHE_HOME:-$HOME/.cache}/foreshadow"

say() { printf '%s\n' "$*" >&2; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# pg_bin prints the folder of the newest PostgreSQL server found, or nothing.
pg_bin() {
  if [ -n "${FORESHADOW_PG_BIN:-}" ]; then echo "$FORESHADOW_PG_BIN"; return; fi
  for d in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -t/ -k5 -rn); do
    if [ -x "$d/postgres" ] && [ -x "$d/psql" ]; then echo "$d"; return; fi
  done
}
