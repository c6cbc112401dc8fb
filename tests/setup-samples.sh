#!/usr/bin/env bash
# Makes sure that the sample bridges in examples/ can be built: Go, Node, and the TypeScript compiler.
#
#   tests/setup-samples.sh [DIRECTORY]      default: target/typescript in the repository
#
# Prints the path of the TypeScript compiler as its last line: the tests look for it in
# target/typescript/node_modules/.bin/tsc, or where the environment variable TSC says; for `go` and
# `node` they look in the PATH. Running it again costs nothing while the wanted version is installed.
set -euo pipefail

typescript=5.9.3
node_types=20.19.25

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
directory=${1:-$repository/target/typescript}
tsc=$directory/node_modules/.bin/tsc
# What is written last, so that an interrupted run is not taken for a finished one.
marker=$directory/.medialink-typescript-version

missing=()
command -v go >/dev/null || missing+=(golang-go)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
if ((${#missing[@]})); then
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    apt-get update -q >&2
    apt-get install -q -y --no-install-recommends "${missing[@]}" >&2
  else
    echo "the sample bridges need go, node and npm in the PATH (Debian: ${missing[*]})" >&2
    exit 1
  fi
fi

if [[ -x $tsc && -f $marker && $(<"$marker") == "$typescript $node_types" ]]; then
  realpath --no-symlinks "$tsc"
  exit 0
fi

mkdir -p "$directory"
rm -f "$marker"
# With a package.json of its own: otherwise npm looks for one in the folders above.
echo '{"private": true}' >"$directory/package.json"
npm install --prefix "$directory" --no-save --no-package-lock --no-audit --no-fund --silent \
  "typescript@$typescript" "@types/node@$node_types" >&2
"$tsc" --version >&2
echo "$typescript $node_types" >"$marker"
realpath --no-symlinks "$tsc"
