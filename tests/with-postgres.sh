#!/usr/bin/env bash
# Runs a command beside a PostgreSQL server of its own, which ends with it.
#
#   tests/with-postgres.sh cargo test --test bridge
#
# The server listens on a free port of 127.0.0.1, and its files are in a temporary folder. The command finds it
# by the environment variable TEST_POSTGRES_URL. It runs as any user: PostgreSQL does not run as root, so root
# runs the server as the user `postgres`, or as `nobody`. POSTGRES_SETTINGS has more settings, as -c name=value.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
programs=$("$here/setup-postgres.sh" | tail -n 1)
folder=$(mktemp -d "${TMPDIR:-/tmp}/medialink-postgres.XXXXXX")

as_owner=()
if [[ $(id -u) == 0 ]]; then
  owner=postgres
  id "$owner" >/dev/null 2>&1 || owner=nobody
  chown "$owner" "$folder"
  as_owner=(setpriv --reuid "$owner" --regid "$(id -g "$owner")" --clear-groups)
fi

stop() {
  "${as_owner[@]}" "$programs/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap stop EXIT

cd "$folder"
"${as_owner[@]}" "$programs/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --no-sync >/dev/null
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# Nothing here has to survive a loss of power.
settings="-c listen_addresses=127.0.0.1 -p $port -k $folder -c max_connections=500 -c fsync=off -c full_page_writes=off ${POSTGRES_SETTINGS:-}"
"${as_owner[@]}" "$programs/pg_ctl" -D "$folder/data" -l "$folder/log" -o "$settings" -w start >/dev/null
cd - >/dev/null
TEST_POSTGRES_URL="postgres://postgres@127.0.0.1:$port" "$@"
