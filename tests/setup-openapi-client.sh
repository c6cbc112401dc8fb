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
# shellcheck source=tests/virtual-environment.sh
source "$repository/tests/virtual-environment.sh"

virtual_environment "$directory" "openapi-python-client==$generator" "mypy==$mypy"
"$python" -m openapi_python_client --version >&2
realpath --no-symlinks "$python"
