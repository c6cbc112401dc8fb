#!/usr/bin/env bash
# Installs a generator of API clients for the integration tests, into a Python virtual environment
# of its own: openapi-python-client, and mypy, which checks that what uses the client fits.
#
#   tests/setup-openapi-client.sh [DIRECTORY]      default: target/openapi-client in the repository
#
# Prints the path of the environment's Python as its last line: the tests look for it in
# target/openapi-client/bin/python, or where the environment variable OPENAPI_PYTHON says.
# Run it after tests/setup-synapse.sh, which makes sure that there are virtual environments.
set -euo pipefail

generator=0.29.1
mypy=1.18.2

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
directory=${1:-$repository/target/openapi-client}
python=$directory/bin/python
# What is written last, so that an interrupted run is not taken for a finished one.
marker=$directory/.medialink-openapi-client-version

if [[ -x $python && -f $marker && $(<"$marker") == "$generator $mypy" ]]; then
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
  "openapi-python-client==$generator" "mypy==$mypy" >&2
"$python" -m openapi_python_client --version >&2
echo "$generator $mypy" >"$marker"
realpath --no-symlinks "$python"
