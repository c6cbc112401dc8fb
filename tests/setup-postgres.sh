#!/usr/bin/env bash
# Makes sure that there are the programs of a PostgreSQL server (15 or later): Debian's.
#
#   tests/setup-postgres.sh
#
# Prints the folder of its programs as its last line: tests/with-postgres.sh takes them from there, or from
# where the environment variable POSTGRES_BIN says. The system's own server is not touched.
set -euo pipefail

find_programs() {
  local folder
  # The newest first; the names have no blanks.
  # shellcheck disable=SC2012
  for folder in "${POSTGRES_BIN:-}" $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV); do
    if [[ -n $folder && -x $folder/initdb && -x $folder/postgres ]]; then
      echo "$folder"
      return
    fi
  done
  return 1
}

if ! find_programs >/dev/null; then
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    apt-get update -q >&2
    # Debian makes a cluster of the system and starts it at once; the tests have one of their own.
    mkdir -p /etc/postgresql-common
    if [[ ! -e /etc/postgresql-common/createcluster.conf ]]; then
      echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
    fi
    apt-get install -q -y --no-install-recommends postgresql >&2
  else
    echo "there is no PostgreSQL to test with: install postgresql (Debian's package of this name)" >&2
    exit 1
  fi
fi
folder=$(find_programs)
"$folder/postgres" --version >&2
echo "$folder"
