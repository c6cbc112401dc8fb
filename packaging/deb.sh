#!/usr/bin/env bash
# Builds the Debian package.
#
#   packaging/deb.sh [PROFILE]      the profile of cargo: release, or dev for a quick try
#
# Prints the path of the package as its last line. It needs a Rust toolchain, a C compiler and Debian's dpkg-dev;
# cargo-deb is installed below target/. The service is built without the demo. The package fits the release of Debian
# on which it is built, and later ones.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

profile=${1:-release}
folder=$profile
[[ $profile == dev ]] && folder=debug

cargo_deb=$(tests/setup-cargo-deb.sh)
cargo build --quiet --profile "$profile" --package medialink --no-default-features --bin medialink

# What is made of the program itself, and the unit of the examples with the places of a package.
made=target/deb
rm -rf "$made"
mkdir -p "$made"
"target/$folder/medialink" man "$made/man"
"target/$folder/medialink" completions bash >"$made/medialink.bash"
"target/$folder/medialink" completions zsh >"$made/_medialink"
"target/$folder/medialink" completions fish >"$made/medialink.fish"
sed -e '/^# Runs Medialink/,/^\[Unit\]/{/^\[Unit\]/!d}' \
  -e 's|^Description=.*|&\nDocumentation=man:medialink(1) file:/usr/share/doc/medialink/operators.md|' \
  -e 's|^ExecStart=/usr/local/bin/|ExecStart=/usr/bin/|' \
  -e 's|^DynamicUser=yes$|User=medialink\nGroup=medialink\nEnvironmentFile=-/etc/default/medialink|' \
  -e 's#^\(State\|Cache\)Directory=medialink$#&\n\1DirectoryMode=0700#' \
  examples/systemd/medialink.service >"$made/medialink.service"

# Debian's changelog tells of the package, and refers to that of the program for the rest.
gzip --best --no-name <CHANGELOG.md >"$made/changelog.gz"
version=$("target/$folder/medialink" --version | sed 's/.* //')
maintainer=$(sed -n 's/^maintainer = "\(.*\)"$/\1/p' Cargo.toml)
date=$(git log -1 --format=%cD 2>/dev/null || date --rfc-email --reference CHANGELOG.md)
cat >"$made/changelog" <<END
medialink ($version-1) unstable; urgency=medium

  * Package of Medialink $version; changelog.gz tells what is new in it.

 -- $maintainer  $date
END

"$cargo_deb" --quiet --no-build --profile "$profile" --package medialink --output "$made/" >&2
package=$(realpath "$made"/medialink_*.deb)

# What Debian asks of a package. Exceptions, with their reasons, are in packaging/deb/lintian-overrides.
if command -v lintian >/dev/null; then
  as_root=()
  ((EUID != 0)) || as_root=(--allow-root)
  lintian "${as_root[@]}" --fail-on error,warning "$package" >&2
else
  echo "The package is not checked: there is no lintian (Debian's package lintian)." >&2
fi
echo "$package"
