#!/usr/bin/env bash
# Makes sure that there is an IRC server for the integration tests: ngircd, Debian's.
#
#   tests/setup-ngircd.sh
#
# Prints its path as its last line: the tests look for it in /usr/sbin/ngircd, or where the
# environment variable NGIRCD says. The tests start it by themselves, on loopback and with a
# configuration of their own; the system's is not touched.
set -euo pipefail

ngircd=${NGIRCD:-/usr/sbin/ngircd}

if [[ ! -x $ngircd ]]; then
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    apt-get update -q >&2
    # Debian starts it at once, and it would listen on every address.
    RUNLEVEL=1 apt-get install -q -y --no-install-recommends ngircd >&2
  else
    echo "there is no IRC server to test with: install ngircd (Debian's package of this name)" >&2
    exit 1
  fi
fi
"$ngircd" --version >&2
echo "$ngircd"
