#!/usr/bin/env bash
# Installs Synapse for the integration tests, into a Python virtual environment of its own.
#
#   tests/setup-synapse.sh [DIRECTORY]      default: target/synapse in the repository
#
# Prints the path of the environment's Python as its last line: the tests look for it in
# target/synapse/bin/python, or where the environment variable SYNAPSE_PYTHON says.
# Running it again costs nothing while the wanted version is installed.
set -euo pipefail

version=1.163.2 # the version whose behaviour the tests were written against

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
directory=${1:-$repository/target/synapse}
python=$directory/bin/python
# What is written last, so that an interrupted run is not taken for a finished one.
marker=$directory/.medialink-synapse-version

if [[ -x $python && -f $marker && $(<"$marker") == "$version" ]]; then
  realpath --no-symlinks "$python"
  exit 0
fi

if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
  echo "Synapse $version needs python3, 3.10 or later, in the PATH" >&2
  exit 1
fi

# Debian ships python3 without the means to make virtual environments.
if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    apt-get update -q >&2
    apt-get install -q -y --no-install-recommends python3-venv >&2
  else
    echo "python3 cannot make virtual environments: install its venv module (Debian: python3-venv)" >&2
    exit 1
  fi
fi

if [[ -d $directory && -n $(ls -A "$directory") && ! -f $directory/pyvenv.cfg ]]; then
  echo "$directory is neither empty nor a Python virtual environment" >&2
  exit 1
fi

# Over an older or unfinished environment, this mends it.
python3 -m venv "$directory" >&2
rm -f "$marker"
"$python" -m pip install --quiet --disable-pip-version-check --no-input \
  "matrix-synapse==$version" >&2
# Compiled and importable, whatever pip said; and the compiled files make the first start quick.
"$python" -c 'import synapse.app.homeserver' >&2
echo "$version" >"$marker"
realpath --no-symlinks "$python"
