#!/usr/bin/env bash
# Makes sure that the pages can be looked at in a real browser: Debian's Chromium, Node.js, and from npm
# playwright-core, which drives the browser, and axe-core, which looks for barriers. Makes a short film, too.
#
#   tests/setup-browser.sh [DIRECTORY]      default: target/browser in the repository
#
# Prints the directory as its last line. The tests look for it in target/browser, or where the environment variable
# BROWSER_DIRECTORY says; for the browser in /usr/bin/chromium, or where CHROMIUM says; for `node` in the PATH.
# Running it again costs nothing while the wanted versions are installed.
set -euo pipefail

playwright=1.65.1
axe=4.14.1

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
directory=${1:-$repository/target/browser}
# What is written last, so that an interrupted run is not taken for a finished one.
marker=$directory/.medialink-browser-version
wanted="$playwright $axe"

missing=()
[[ -x ${CHROMIUM:-/usr/bin/chromium} ]] || missing+=(chromium)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
command -v ffmpeg >/dev/null || missing+=(ffmpeg)
# Letters of the languages that the pages speak: without them a picture shows boxes.
fonts=/usr/share/fonts
[[ -e $fonts/truetype/noto/NotoSansArabic-Regular.ttf ]] || missing+=(fonts-noto-core)
[[ -e $fonts/opentype/noto/NotoSansCJK-Regular.ttc ]] || missing+=(fonts-noto-cjk)
if ((${#missing[@]})); then
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    apt-get update -q >&2
    apt-get install -q -y --no-install-recommends "${missing[@]}" >&2
  else
    echo "to look at the pages in a browser, install what is missing (Debian: ${missing[*]})" >&2
    exit 1
  fi
fi

if [[ -f $marker && $(<"$marker") == "$wanted" ]]; then
  realpath --no-symlinks "$directory"
  exit 0
fi

mkdir -p "$directory"
rm -f "$marker"
# With a package.json of its own: otherwise npm looks for one in the folders above.
echo '{"private": true}' >"$directory/package.json"
npm install --prefix "$directory" --no-save --no-package-lock --no-audit --no-fund --ignore-scripts --silent \
  "playwright-core@$playwright" "axe-core@$axe" >&2
# Noise keeps it large: a browser that jumps to its end has not loaded it until there.
ffmpeg -nostdin -loglevel error -y -f lavfi -i 'testsrc2=size=480x270:rate=12,noise=alls=60:allf=t' -t 20 \
  -c:v libvpx -deadline realtime -cpu-used 8 -b:v 2500k -minrate 2500k -maxrate 2500k -g 24 "$directory/film.webm" >&2
echo "$wanted" >"$marker"
realpath --no-symlinks "$directory"
