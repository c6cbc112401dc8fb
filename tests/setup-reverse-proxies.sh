#!/usr/bin/env bash
# Makes sure that there are the reverse proxies of the integration tests: nginx, Apache and Caddy, Debian's.
# OpenSSL makes their certificates.
#
#   tests/setup-reverse-proxies.sh
#
# Prints their paths as its last lines: the tests look for them where Debian has them, or where the environment variables
# NGINX, APACHE and CADDY say. The tests start them by themselves, on loopback and with configurations of their own; the
# system's are not touched.
set -euo pipefail

nginx=${NGINX:-/usr/sbin/nginx}
apache=${APACHE:-/usr/sbin/apache2}
caddy=${CADDY:-/usr/bin/caddy}

if [[ ! -x $nginx || ! -x $apache || ! -x $caddy ]] || ! command -v openssl >/dev/null; then
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    apt-get update -q >&2
    # Debian starts them at once, and they would listen on every address.
    RUNLEVEL=1 apt-get install -q -y --no-install-recommends nginx-light apache2 caddy openssl >&2
  else
    echo "there are no reverse proxies to test with: install nginx, apache2, caddy and openssl (Debian's)" >&2
    exit 1
  fi
fi
"$nginx" -v >&2
"$apache" -v >&2
"$caddy" version >&2
echo "$nginx"
echo "$apache"
echo "$caddy"
