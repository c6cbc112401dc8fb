#!/usr/bin/env bash
# Installs matrix-appservice-bridge from npm for the integration tests, in both majors that make links.
#
#   tests/setup-appservice-bridge.sh [DIRECTORY]      default: target/appservice-bridge in the repository
#
# Prints the directory as its last line; the packages are in its folders 10 and 11. The tests look
# for it in target/appservice-bridge, or where the environment variable APPSERVICE_BRIDGE_DIRECTORY
# says. Running it again costs nothing while the wanted versions are installed.
set -euo pipefail

# The versions whose links the tests were written against.
versions=(10.3.3 11.2.0)

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
directory=${1:-$repository/target/appservice-bridge}

# Major 11 asks for Node.js 22; what makes the links runs with 18 and later.
if ! node -e 'process.exit(process.versions.node.split(".")[0] < 18 ? 1 : 0)' 2>/dev/null || ! command -v npm >/dev/null; then
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    apt-get update -q >&2
    apt-get install -q -y --no-install-recommends nodejs npm >&2
  else
    echo "node, 18 or later, and npm are needed in the PATH (Debian: nodejs and npm)" >&2
    exit 1
  fi
fi

for version in "${versions[@]}"; do
  folder=$directory/${version%%.*}
  # What is written last, so that an interrupted run is not taken for a finished one.
  marker=$folder/.medialink-version
  if [[ -f $marker && $(<"$marker") == "$version" ]]; then
    continue
  fi
  if [[ -d $folder && -n $(ls -A "$folder") && ! -d $folder/node_modules ]]; then
    echo "$folder is neither empty nor a folder of npm packages" >&2
    exit 1
  fi
  mkdir -p "$folder"
  rm -f "$marker"
  # Without scripts: the native code for encryption, which signs no links, is not fetched.
  npm install --prefix "$folder" --no-package-lock --no-save --no-audit --no-fund \
    --ignore-scripts --omit=optional --loglevel=error "matrix-appservice-bridge@$version" >&2
  echo "$version" >"$marker"
done
realpath --no-symlinks "$directory"
