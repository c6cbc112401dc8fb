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
release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
work=$PWD/target/ten-minutes
clean=$work/clean-$release
root=$work/root
config=/etc/medialink/bridge.yaml
# shellcheck source=packaging/newcomer.sh
. packaging/newcomer.sh

finish() {
  end_children
  umount "$root/proc" 2>/dev/null || true
}
trap finish EXIT

within() { chroot "$root" "$@"; }
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

start_synapse "$root/etc/medialink/medialink-registration.yaml"
step "Synapse knows the registration, and runs"

start_service
within medialink --config "$config" health --ready >/dev/null
step "the service runs, and is ready"

share_picture "$(<"$root/etc/medialink/tokens/irc-api-token")"
step "a link that opens"
since_began "from the package to a link that opens"

# An upgrade keeps configuration and data.
before=$(sha256sum "$root$config" "$root/var/lib/medialink/link-keys.yaml")
end_last
within dpkg --install /tmp/medialink.deb >>"$work/apt.log" 2>&1
[[ $before == "$(sha256sum "$root$config" "$root/var/lib/medialink/link-keys.yaml")" ]]
start_service
opens
step "after an upgrade it opens as before"

within medialink --config "$config" links revoke "$url" >/dev/null
is_gone
step "revoked, it is gone"

end_last
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
