#!/usr/bin/env bash
# Makes sure that there are the programs that stand in front of the service in the integration tests: nginx with its
# module for purges, and Varnish, Debian's.
#
#   tests/setup-in-front.sh
#
# Prints their paths as its last lines: the tests look for them in /usr/sbin, or where the environment variables NGINX
# and VARNISHD say. The tests start them by themselves, on loopback and with configurations of their own; the system's
# are not touched.
set -euo pipefail

nginx=${NGINX:-/usr/sbin/nginx}
varnishd=${VARNISHD:-/usr/sbin/varnishd}
module=/usr/lib/nginx/modules/ngx_http_cache_purge_module.so

if [[ ! -x $nginx || ! -e $module || ! -x $varnishd ]]; then
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    apt-get update -q >&2
    # Debian starts them at once, and they would listen on every address.
    RUNLEVEL=1 apt-get install -q -y --no-install-recommends nginx-light libnginx-mod-http-cache-purge varnish >&2
  else
    echo "there is nothing to test with in front: install nginx, libnginx-mod-http-cache-purge and varnish (Debian's)" >&2
    exit 1
  fi
fi
"$nginx" -v >&2
"$varnishd" -V >&2
echo "$nginx"
echo "$varnishd"
