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
# shellcheck source=tests/virtual-environment.sh
source "$repository/tests/virtual-environment.sh"

virtual_environment "$directory" "heisenbridge==$version"
"$python" -m heisenbridge --version >&2
realpath --no-symlinks "$python"
