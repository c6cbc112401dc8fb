#!/usr/bin/env bash
# Checks everything that needs no running: form, lints, documentation, the build without the demo,
# the licences and sources of the dependencies, and the files of packages. tests/run.sh begins with it.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo fmt --check
cargo clippy --all-targets -- --deny warnings
# What is built for measurements alone.
cargo clippy --package medialink-load -- --deny warnings
# The service as packages build it: without the demo and its homeserver.
cargo clippy --package medialink --no-default-features -- --deny warnings
RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --no-deps
"$(tests/setup-cargo-deny.sh)" check licenses bans sources
timeout 120 "$(tests/setup-packaging-checks.sh)" tests/check_packaging.py
