#!/usr/bin/env bash
# Installs cargo-deb, which builds the Debian package.
#
#   tests/setup-cargo-deb.sh [DIRECTORY]      default: target/cargo-deb in the repository
#
# Prints the path of the program as its last line. It is compiled by cargo, which takes some minutes. Running it again
# costs nothing while the wanted version is installed.
set -euo pipefail

version=3.8.0

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
directory=${1:-$repository/target/cargo-deb}
program=$directory/bin/cargo-deb

if ! [[ -x $program && $("$program" --version) == *"$version"* ]]; then
  # Without the packages of debug symbols, and with an xz of its own: nothing but a C compiler is needed.
  cargo install --quiet --locked --root "$directory" --no-default-features --features static-lzma \
    "cargo-deb@$version" >&2
fi
"$program" --version >&2
realpath --no-symlinks "$program"
