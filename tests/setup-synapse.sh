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
# shellcheck source=tests/virtual-environment.sh
source "$repository/tests/virtual-environment.sh"

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

virtual_environment "$directory" "matrix-synapse==$version"
# Compiled and importable, whatever pip said; and the compiled files make the first start quick.
"$python" -c 'import synapse.app.homeserver' >&2
realpath --no-symlinks "$python"
