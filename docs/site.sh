#!/usr/bin/env bash
# Builds the site of the documentation, and checks that every link in it leads somewhere.
#
#   docs/site.sh [DIRECTORY]      default: target/site in the repository
#
# Needs mdBook, Debian's or another one, in the PATH, in target/mdbook, or where the environment variable MDBOOK says;
# otherwise it is compiled once into target/mdbook, which takes some minutes. Prints the path of the first page. The site
# needs no server: a browser opens its files.
set -euo pipefail

version=0.5.4

cd "$(dirname "$0")/.."
site=$(realpath --no-symlinks "${1:-target/site}")
compiled=$PWD/target/mdbook/bin/mdbook
mdbook=${MDBOOK:-$(command -v mdbook || echo "$compiled")}

if [[ ! -x $mdbook ]]; then
  # Thirty pages need no optimised program, which takes three times as long to compile.
  cargo install --quiet --locked --debug --root target/mdbook --no-default-features --features search \
    "mdbook@$version" >&2
  mdbook=$compiled
fi
"$mdbook" --version >&2

if [[ -d $site && -n $(ls -A "$site") && ! -f $site/.medialink-site ]]; then
  echo "$site is neither empty nor a site that was built by this script" >&2
  exit 1
fi
rm -rf "$site"

# Pages and what they link to, where they are in the repository, so that their links hold.
book=$(mktemp -d)
trap 'rm -rf "$book"' EXIT
git ls-files -z -- '*.md' bridge.example.yaml LICENSE justfile deny.toml .clippy.toml 'examples/*' 'locales/*' \
  crates/medialink-link/tests/vectors |
  xargs -0 cp --parents --target-directory="$book"
mv "$book/docs/SUMMARY.md" "$book/SUMMARY.md"
# Its links begin in docs/.
sed -i -E 's#\]\(#](docs/#; s#\]\(docs/\.\./#](#' "$book/SUMMARY.md"
cp docs/book.toml "$book/book.toml"
"$mdbook" build --dest-dir "$site" "$book" >&2
# Hidden files are not taken along.
cp .clippy.toml "$site/"
touch "$site/.medialink-site"

python3 docs/site_links.py "$site" >&2
echo "$site/index.html"
