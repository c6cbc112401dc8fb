# Sourced by setup scripts, which run under `set -euo pipefail`.

# virtual_environment DIRECTORY PACKAGE==VERSION…
#
# Makes a Python virtual environment that holds these packages of PyPI, unless it is there.
virtual_environment() {
  local directory=$1
  shift
  # What is written last, so that an interrupted run is not taken for a finished one.
  local marker=$directory/.medialink-packages
  if [[ -x $directory/bin/python && -f $marker && $(<"$marker") == "$*" ]]; then
    return
  fi
  if [[ -d $directory && -n $(ls -A "$directory") && ! -f $directory/pyvenv.cfg ]]; then
    echo "$directory is neither empty nor a Python virtual environment" >&2
    exit 1
  fi
  python3 -m venv "$directory" >&2
  rm -f "$marker"
  "$directory/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "$@" >&2
  echo "$*" >"$marker"
}
