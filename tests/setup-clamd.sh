#!/usr/bin/env bash
# Makes sure that there is ClamAV's daemon, which the integration tests have scan media.
#
#   tests/setup-clamd.sh
#
# Prints its path as its last line: the tests look for it in /usr/sbin, or where the environment variable CLAMD says. They
# start it by themselves, on loopback and with a signature of their own; the system's is not touched.
set -euo pipefail

clamd=${CLAMD:-/usr/sbin/clamd}

if [[ ! -x $clamd ]]; then
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    apt-get update -q >&2
    # Debian would start it at once, and fetch signatures.
    RUNLEVEL=1 apt-get install -q -y --no-install-recommends clamav-daemon >&2
  else
    echo "there is no clamd to test with: install clamav-daemon (Debian's)" >&2
    exit 1
  fi
fi
"$clamd" --version >&2
echo "$clamd"
