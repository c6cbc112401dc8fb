#!/usr/bin/env bash
# Measures what links, follows and rooms cost, on SQLite and PostgreSQL, up to 10 million links, and writes the
# tables of docs/SCALING.md.
#
#   POSTGRES_SETTINGS="-c fsync=on -c shared_buffers=1GB -c max_wal_size=8GB" \
#     tests/with-postgres.sh benches/scaling.sh [--links N] [--only sqlite,postgres] [--write docs/SCALING.md] [--help]
#
# Without --write it prints them. It needs python3 and psql, an hour, and 25 GB in the temporary folder (TMPDIR); with
# --links 100000 ten minutes. Everything listens on 127.0.0.1. MEDIALINK_BINARY and MEDIALINK_LOAD name the programs;
# without them, they are built for release.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
built=${CARGO_TARGET_DIR:-$repository/target}/release
if [[ -z ${MEDIALINK_BINARY:-} || -z ${MEDIALINK_LOAD:-} ]]; then
  (cd "$repository" && cargo build --release --package medialink --package medialink-load >&2)
fi

# In the place of this shell, so that signals reach it and it can end its children.
exec python3 -B "$repository/benches/scaling/main.py" --medialink "${MEDIALINK_BINARY:-$built/medialink}" \
  --load "${MEDIALINK_LOAD:-$built/medialink-load}" "$@"
