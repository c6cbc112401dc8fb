#!/usr/bin/env bash
# Measures Medialink beside nginx and beside the homeserver itself, and prints Markdown.
#
#   benches/compare/run.sh [--quick] [--only PART,…] [--rounds N] [--seconds S] [--out FILE]
#                         [--earlier BINARY]
#
# Needs python3 (3.10 or later). nginx and wrk are installed by apt-get where they are missing, and
# Synapse by tests/setup-synapse.sh, or the environment variable SYNAPSE_PYTHON names a Python that
# has it. Medialink is built for release, unless the environment variable MEDIALINK_BINARY names a
# binary. Everything listens on 127.0.0.1 and writes into a temporary folder, where up to 6 GiB are
# needed (TMPDIR). The report goes to standard output, everything else to standard error.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
program=$repository/benches/compare/main.py
# Debian puts nginx where only root's PATH leads.
PATH=$PATH:/usr/sbin:/sbin

for argument in "$@"; do
  if [[ $argument == -h || $argument == --help ]]; then
    exec python3 -B "$program" --help
  fi
done

missing=()
for tool in nginx wrk; do
  command -v "$tool" >/dev/null || missing+=("$tool")
done
if ((${#missing[@]})); then
  if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    echo "${missing[*]} missing, and only root can install it by apt-get" >&2
    exit 1
  fi
  apt-get update -q >&2
  apt-get install -q -y --no-install-recommends "${missing[@]}" >&2
fi

python=${SYNAPSE_PYTHON:-$("$repository/tests/setup-synapse.sh" | tail -n 1)}

binary=${MEDIALINK_BINARY:-}
if [[ -z $binary ]]; then
  (cd "$repository" && cargo build --release >&2)
  binary=${CARGO_TARGET_DIR:-$repository/target}/release/medialink
fi

# In the place of this shell, so that signals reach it and it can end its children.
exec python3 -B "$program" --medialink "$binary" --synapse-python "$python" "$@"
