#!/usr/bin/env bash
# Installs The Lounge, an IRC client with link previews, from npm for the integration tests, and the client of
# socket.io, by which its browser talks to it.
#
#   tests/setup-the-lounge.sh [DIRECTORY]      default: target/the-lounge in the repository
#
# Prints the directory as its last line: the tests look for it in target/the-lounge, or where the
# environment variable THE_LOUNGE_DIRECTORY says. Running it again costs nothing while the wanted
# versions are installed. Run it after tests/setup-appservice-bridge.sh, which makes sure that there is Node.js.
set -euo pipefail

lounge=4.5.2
# The Lounge names a commit on GitHub, which closed networks cannot fetch: npm's release takes its place.
framework=4.14.0
socket=4.6.2

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
directory=${1:-$repository/target/the-lounge}
# What is written last, so that an interrupted run is not taken for a finished one.
marker=$directory/.medialink-versions
versions="$lounge $framework $socket"

if [[ ! -f $marker || $(<"$marker") != "$versions" ]]; then
  if [[ -d $directory && -n $(ls -A "$directory") && ! -f $directory/package.json ]]; then
    echo "$directory is neither empty nor a folder of npm packages" >&2
    exit 1
  fi
  mkdir -p "$directory"
  rm -f "$marker"
  cat >"$directory/package.json" <<END
{
  "private": true,
  "dependencies": {"thelounge": "$lounge", "socket.io-client": "$socket"},
  "overrides": {"irc-framework": "$framework"}
}
END
  # Without scripts and native code: messages are not stored.
  npm install --prefix "$directory" --no-package-lock --no-audit --no-fund \
    --ignore-scripts --omit=optional --loglevel=error >&2
  echo "$versions" >"$marker"
fi
realpath --no-symlinks "$directory"
