#!/usr/bin/env bash
# Installs heisenbridge for the integration tests, into a Python virtual environment of its own.
#
#   tests/setup-heisenbridge.sh [DIRECTORY]      default: target/heisenbridge in the repository
#
# Prints the path of the environment's Python as its last line: the tests look for it in
# target/heisenbridge/bin/python, or where the environment variable HEISENBRIDGE_PYTHON says.
# Run it after tests/setup-synapse.sh, which makes sure that there are virtual environments.
set -euo pipefail

version=1.15.4 # the version whose behaviour the tests were written against

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
directory=${1:-$repository/target/heisenbridge}
python=$directory/bin/python
# What is written last, so that an interrupted run is not taken for a finished one.
marker=$directory/.medialink-heisenbridge-version

if [[ -x $python && -f $marker && $(<"$marker") == "$version" ]]; then
  realpath --no-symlinks "$python"
  exit 0
fi

if [[ -d $directory && -n $(ls -A "$directory") && ! -f $directory/pyvenv.cfg ]]; then
  echo "$directory is neither empty nor a Python virtual environment" >&2
  exit 1
fi

python3 -m venv "$directory" >&2
rm -f "$marker"
"$python" -m pip install --quiet --disable-pip-version-check --no-input \
  "heisenbridge==$version" >&2
"$python" -m heisenbridge --version >&2
echo "$version" >"$marker"
realpath --no-symlinks "$python"
