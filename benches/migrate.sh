#!/usr/bin/env bash
# Moves a database of many links from SQLite to PostgreSQL and back, killed twice on the way there, and prints
# how long it takes and how much memory.
#
#   tests/with-postgres.sh benches/migrate.sh [LINKS]
#
# A million links if nothing is said. Needs python3 and psql; about 2 GiB in the temporary folder (TMPDIR).
# MEDIALINK_BINARY names the binary; without it, Medialink is built for release.
set -euo pipefail

links=${1:-1000000}
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
binary=${MEDIALINK_BINARY:-}
# The service takes it for a key of its configuration.
unset MEDIALINK_BINARY
if [[ -z $binary ]]; then
  (cd "$repository" && cargo build --release --quiet)
  binary=${CARGO_TARGET_DIR:-$repository/target}/release/medialink
fi
folder=$(mktemp -d "${TMPDIR:-/tmp}/medialink-migrate.XXXXXX")
trap 'rm -rf "$folder"' EXIT

cat >"$folder/bridge.yaml" <<YAML
listen: {public: 127.0.0.1:0, internal: 127.0.0.1:0}
public_url: https://media.example.org
database: sqlite:from.db
key_file: keys.yaml
homeserver: {url: 'http://127.0.0.1:1', server_name: example.org}
bridges:
  - {id: irc, network: x, api_token: api-token-0123456789, as_token: as-token-0123456789, hs_token: hs-token-0123456789, user_id: '@m:example.org'}
YAML

# The tables, as a service makes them at its start.
"$binary" --config "$folder/bridge.yaml" serve 2>"$folder/serve.log" &
service=$!
until grep -q 'Medialink runs' "$folder/serve.log"; do
  sleep 0.2
  kill -0 "$service" || { cat "$folder/serve.log" >&2; exit 1; }
done
kill -TERM "$service"
wait "$service" || true

python3 - "$folder/from.db" "$links" <<'PYTHON'
import os, sqlite3, sys
database, links = sqlite3.connect(sys.argv[1]), int(sys.argv[2])
usages = max(links // 5, 1)
database.execute("PRAGMA synchronous = OFF")
with database:
    database.executemany(
        "INSERT INTO matrix_ids (id, matrix_id) VALUES (?, ?)",
        [(n + 1, f"!room{n}:example.org") for n in range(20000)] + [(20001, "@alice:example.org")])
    database.executemany(
        "INSERT INTO media_references (id, bridge, room, mxc, content_token, state) VALUES (?, 'irc', ?, ?, ?, 'counted')",
        ((n, 1 + n % 20000, f"mxc://example.org/medium{n:012}", os.urandom(32).hex()) for n in range(1, usages + 1)))
    database.executemany(
        "INSERT INTO links (link_id, form, key_id, bridge, media_reference_id, room, event_id, sender, "
        "file, filename, mimetype, size, issued_at, expires_at, state) "
        "VALUES (?, 'short', 1, 'irc', ?, ?, ?, 20001, ?, 'a picture.png', 'image/png', 123456, ?, ?, 'live')",
        ((f"{n:011}", n % usages + 1, 1 + (n % usages + 1) % 20000, f"$event{n:040}", os.urandom(80) if n % 3 == 0 else None, n, n + 10**12) for n in range(links)))
PYTHON

psql -q "$TEST_POSTGRES_URL/postgres" -c 'DROP DATABASE IF EXISTS migrated' -c 'CREATE DATABASE migrated'
target=$TEST_POSTGRES_URL/migrated

# Runs a command, and prints its time and the most memory that it had.
measured() {
  python3 - "$@" <<'PYTHON'
import resource, subprocess, sys, time
began = time.monotonic()
code = subprocess.run(sys.argv[2:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"{sys.argv[1]}: {time.monotonic() - began:.1f} s, {used.ru_utime + used.ru_stime:.1f} s of CPU, {used.ru_maxrss / 1024:.0f} MiB, exit {code}")
sys.exit(code)
PYTHON
}

# How many links have arrived.
arrived() {
  psql -qAt "$target" -c "SELECT rows_moved FROM migration_progress WHERE table_name = 'links'" 2>/dev/null || echo 0
}

(umask 077; openssl rand -base64 32 >"$folder/root-secret")
move=("$binary" --config "$folder/bridge.yaml" migrate --to-root-secret-file "$folder/root-secret")
echo "links: $links, file: $(du -m "$folder/from.db" | cut -f1) MiB"
for part in 4 2; do
  "${move[@]}" --to "$target" >/dev/null 2>&1 &
  moving=$!
  while (($(arrived) < links / part)); do
    sleep 0.1
    kill -0 "$moving"
  done
  kill -KILL "$moving"
  wait "$moving" 2>/dev/null || true
  echo "killed when $(arrived) links had arrived"
done
measured "to PostgreSQL, the rest of it" "${move[@]}" --to "$target"
psql -q "$TEST_POSTGRES_URL/postgres" -c 'DROP DATABASE migrated' -c 'CREATE DATABASE migrated'
measured "to PostgreSQL, at once" "${move[@]}" --to "$target"
echo "database: $(psql -qAt "$target" -c "SELECT pg_database_size('migrated') / 1048576") MiB"
measured "back to SQLite" "$binary" --config "$folder/bridge.yaml" migrate --from "$target" \
  --from-root-secret-file "$folder/root-secret" --to "sqlite:$folder/back.db"
psql -q "$TEST_POSTGRES_URL/postgres" -c 'DROP DATABASE migrated'
