#!/usr/bin/env bash
# Installs readers of link previews for the integration tests, into a Python virtual environment of
# its own: linkpreview and metadata_parser read the tags of pages, micawber and PyOEmbed ask oEmbed.
#
#   tests/setup-preview-readers.sh [DIRECTORY]      default: target/preview-readers in the repository
#
# Prints the path of the environment's Python as its last line: the tests look for it in
# target/preview-readers/bin/python, or where the environment variable PREVIEW_READERS_PYTHON says.
# Run it after tests/setup-synapse.sh, which makes sure that there are virtual environments.
set -euo pipefail

packages=(linkpreview==0.13.2 metadata_parser==2.0.0 micawber==0.8.0 pyoembed==0.1.2)

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
directory=${1:-$repository/target/preview-readers}
python=$directory/bin/python
# shellcheck source=tests/virtual-environment.sh
source "$repository/tests/virtual-environment.sh"

virtual_environment "$directory" "${packages[@]}"
"$python" -c 'import linkpreview, metadata_parser, micawber, pyoembed'
realpath --no-symlinks "$python"
