#!/usr/bin/env bash
# A newcomer's first minutes, run by a script: from a clean Debian and the package to a link that opens, against a real
# Synapse, and on to an upgrade and a purge. Says how long each step takes.
#
#   packaging/ten-minutes.sh [PACKAGE]      default: the newest one in target/deb (packaging/deb.sh builds it)
#
# Needs root, debootstrap, and the Synapse of tests/setup-synapse.sh. The Debian is in a folder of its own below
# target/, which is made anew each time, and all processes end with the script. There is no systemd in it: the service
# is started as the unit does it, by its user.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

package=${1:-$(find target/deb -name 'medialink_*.deb' -printf '%T@ %p\n' | sort -rn | head -n 1 | cut -d ' ' -f 2)}
package=$(realpath "$package")
python=${SYNAPSE_PYTHON:-target/synapse/bin/python}
[[ $python == /* ]] || python=$PWD/$python
release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
work=$PWD/target/ten-minutes
clean=$work/clean-$release
root=$work/root
config=/etc/medialink/bridge.yaml
synapse_port=18008
public=127.0.0.1:18480
internal=127.0.0.1:18481
homeserver=http://127.0.0.1:$synapse_port
children=()

finish() {
  for child in "${children[@]}"; do
    kill "$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
  done
  umount "$root/proc" 2>/dev/null || true
}
trap finish EXIT

began=$(date +%s%N)
last=$began
step() {
  local now
  now=$(date +%s%N)
  printf '%6.1f s  %s\n' "$(((now - last) / 100000000))e-1" "$1"
  last=$now
}
within() { chroot "$root" "$@"; }
# Waits for an answer of 200, for a minute at most.
answers() {
  for _ in $(seq 300); do
    if curl --silent --fail --output /dev/null "$1"; then return; fi
    sleep 0.2
  done
  echo "$1 does not answer" >&2
  return 1
}
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
call() { curl --silent --show-error --fail "$@"; }
status() { curl --silent --output /dev/null --write-out '%{http_code}' "$1"; }
start_service() {
  chroot --userspec=medialink:medialink "$root" medialink --config "$config" serve 2>>"$work/medialink.log" &
  children+=($!)
  answers "http://$internal/ready"
}

# A clean Debian, which is kept for the next time as it was.
mkdir -p "$work"
umount "$root/proc" 2>/dev/null || true
if [[ ! -e $clean/etc/debian_version ]]; then
  debootstrap --variant=minbase "$release" "$clean.new" >"$work/debootstrap.log"
  mv "$clean.new" "$clean"
fi
rm -rf --one-file-system "$root"
cp -a "$clean" "$root"
mount -t proc proc "$root/proc"
cp /etc/resolv.conf "$root/etc/resolv.conf"
step "a clean Debian $release (debootstrap)"

began=$(date +%s%N)
cp "$package" "$root/tmp/medialink.deb"
within apt-get update -q >"$work/apt.log" 2>&1
within env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends /tmp/medialink.deb \
  >>"$work/apt.log" 2>&1
within medialink --config "$config" check
step "the package is installed, and its first configuration holds"

# What the operator knows better than the package.
within medialink --config "$config" init --yes --force --server-name example.org --homeserver-url "$homeserver" \
  --public-url "http://$public" --listen-public "$public" --listen-internal "$internal" \
  --data /var/lib/medialink --cache /var/cache/medialink >"$work/init.log"
within medialink --config "$config" check
step "the configuration is that of this homeserver"

rm -rf "$work/synapse"
mkdir -p "$work/synapse/media"
install -m 600 "$root/etc/medialink/medialink-registration.yaml" "$work/synapse/medialink.yaml"
cat >"$work/synapse/homeserver.yaml" <<END
server_name: example.org
public_baseurl: $homeserver/
pid_file: $work/synapse/pid
signing_key_path: $work/synapse/signing.key
media_store_path: $work/synapse/media
database: {name: sqlite3, args: {database: "$work/synapse/homeserver.db"}}
listeners: [{port: $synapse_port, bind_addresses: [127.0.0.1], type: http, resources: [{names: [client]}]}]
report_stats: false
trusted_key_servers: []
enable_registration: true
enable_registration_without_verification: true
app_service_config_files: ["$work/synapse/medialink.yaml"]
END
"$python" -m synapse.app.homeserver --config-path "$work/synapse/homeserver.yaml" \
  --generate-keys >"$work/synapse.log" 2>&1
"$python" -m synapse.app.homeserver --config-path "$work/synapse/homeserver.yaml" >>"$work/synapse.log" 2>&1 &
children+=($!)
answers "$homeserver/_matrix/client/versions"
step "Synapse knows the registration, and runs"

start_service
within medialink --config "$config" health --ready >/dev/null
step "the service runs, and is ready"

# A room with a picture, as people share it.
client=$homeserver/_matrix/client/v3
alice=$(call -d '{"auth": {"type": "m.login.dummy"}, "username": "alice", "password": "a-long-password-1"}' \
  "$client/register" | field access_token)
as_alice=(-H "Authorization: Bearer $alice")
room=$(call "${as_alice[@]}" -d '{"preset": "private_chat", "invite": ["@medialink:example.org"]}' \
  "$client/createRoom" | field room_id)
printf '\x89PNG\r\n\x1a\n and so on' >"$work/cat.png"
mxc=$(call "${as_alice[@]}" -H 'Content-Type: image/png' --data-binary "@$work/cat.png" \
  "$homeserver/_matrix/media/v3/upload?filename=cat.png" | field content_uri)
token=$(<"$root/etc/medialink/tokens/irc-api-token")
link=$(call -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
  -d "{\"mxc\": \"$mxc\", \"room_id\": \"$room\", \"filename\": \"cat.png\"}" "http://$internal/v1/links")
url=$(field url <<<"$link")
call "$url" | cmp - "$work/cat.png"
step "a link that opens"
printf '%6.1f s  from the package to a link that opens\n' "$((($(date +%s%N) - began) / 100000000))e-1"

# An upgrade keeps configuration and data.
before=$(sha256sum "$root$config" "$root/var/lib/medialink/link-keys.yaml")
kill "${children[-1]}"
wait "${children[-1]}" || true
unset 'children[-1]'
within dpkg --install /tmp/medialink.deb >>"$work/apt.log" 2>&1
[[ $before == "$(sha256sum "$root$config" "$root/var/lib/medialink/link-keys.yaml")" ]]
start_service
call "$url" | cmp - "$work/cat.png"
step "after an upgrade it opens as before"

within medialink --config "$config" links revoke "$url" >/dev/null
for _ in $(seq 50); do
  [[ $(status "$url") == 410 ]] && break
  sleep 0.1
done
[[ $(status "$url") == 410 ]]
step "revoked, it is gone"

kill "${children[-1]}"
wait "${children[-1]}" || true
unset 'children[-1]'
within apt-get remove -q -y medialink >>"$work/apt.log" 2>&1
[[ -e $root$config && -e $root/var/lib/medialink/medialink.db ]]
within apt-get purge -q -y medialink >>"$work/apt.log" 2>&1
for place in etc/medialink etc/default/medialink var/lib/medialink var/cache/medialink; do
  [[ ! -e $root/$place ]] || { echo "$place is still there" >&2; exit 1; }
done
if within getent passwd medialink >/dev/null; then
  echo "the user medialink is still there" >&2
  exit 1
fi
step "removed, it keeps its data; purged, nothing is left"
