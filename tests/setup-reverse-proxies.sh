#!/usr/bin/env bash
# Makes sure that there are the reverse proxies of the integration tests: nginx and Apache, Debian's.
# OpenSSL makes their certificates.
#
#   tests/setup-reverse-proxies.sh
#
# Prints their paths as its last lines: the tests look for them in /usr/sbin, or where the environment variables NGINX
# and APACHE say. The tests start them by themselves, on loopback and with configurations of their own; the system's are
# not touched.
set -euo pipefail

nginx=${NGINX:-/usr/sbin/nginx}
apache=${APACHE:-/usr/sbin/apache2}

if [[ ! -x $nginx || ! -x $apache ]] || ! command -v openssl >/dev/null; then
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    apt-get update -q >&2
    # Debian starts them at once, and they would listen on every address.
    RUNLEVEL=1 apt-get install -q -y --no-install-recommends nginx-light apache2 openssl >&2
  else
    echo "there are no reverse proxies to test with: install nginx, apache2 and openssl (Debian's)" >&2
    exit 1
  fi
fi
"$nginx" -v >&2
"$apache" -v >&2
echo "$nginx"
echo "$apache"
