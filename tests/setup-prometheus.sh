#!/usr/bin/env bash
# Makes sure that there is Prometheus for the integration tests, Debian's, with promtool.
#
#   tests/setup-prometheus.sh
#
# Prints the paths of both as its last lines: the tests look for them in /usr/bin, or where the environment variables
# PROMETHEUS and PROMTOOL say. The tests start Prometheus by themselves, on loopback and with a configuration of their own.
set -euo pipefail

prometheus=${PROMETHEUS:-/usr/bin/prometheus}
promtool=${PROMTOOL:-/usr/bin/promtool}

if [[ ! -x $prometheus || ! -x $promtool ]]; then
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    apt-get update -q >&2
    # Debian starts it at once, and it would listen on every address.
    RUNLEVEL=1 apt-get install -q -y --no-install-recommends prometheus >&2
  else
    echo "there is no Prometheus to test with: install prometheus (Debian's)" >&2
    exit 1
  fi
fi
"$prometheus" --version >&2
echo "$prometheus"
echo "$promtool"
