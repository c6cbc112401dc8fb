#!/usr/bin/env bash
# Fuzzes one target for a while with libFuzzer.
#
#   fuzz/run.sh TARGET [SECONDS]      token, event, headers, masking, range, transaction; default: 60 seconds
#
# Needs `cargo install --locked cargo-fuzz` and a C++ compiler. Inputs that reach new code are kept in
# target/fuzz-corpus; those that break a target are put into fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${1:?TARGET: token, event, headers, masking, range or transaction}
seconds=${2:-60}
shift $(($# < 2 ? $# : 2))

corpora=("target/fuzz-corpus/$target" "fuzz/corpus/$target")
if [[ $target == event ]]; then
  corpora+=(crates/medialink-event/tests/events)
fi
mkdir -p "${corpora[0]}"

# The dependencies in the versions of the service.
cp Cargo.lock fuzz/Cargo.lock
# A stable compiler refuses the sanitizer that libFuzzer is guided by, unless it is told that it may.
export RUSTC_BOOTSTRAP=1
cargo fuzz run "$target" "${corpora[@]}" -- -max_total_time="$seconds" -timeout=10 "$@"
