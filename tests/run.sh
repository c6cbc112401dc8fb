#!/usr/bin/env bash
# Runs all tests on a fresh machine: installs what they need, checks the form, then runs them.
set -euo pipefail
cd "$(dirname "$0")/.."

tests/setup-synapse.sh
tests/setup-heisenbridge.sh
tests/setup-appservice-bridge.sh
tests/setup-ngircd.sh
tests/setup-seaweedfs.sh
tests/setup-in-front.sh
tests/setup-reverse-proxies.sh
tests/setup-prometheus.sh
tests/setup-clamd.sh
tests/setup-samples.sh
tests/setup-openapi-client.sh
tests/setup-preview-readers.sh
tests/setup-the-lounge.sh
tests/setup-browser.sh
tests/setup-postgres.sh
tests/check.sh
# Most tests wait for something, so that more of them run at once than there are cores.
export RUST_TEST_THREADS=$((3 * $(nproc)))
# The link core alone, as a bridge written in Rust uses it.
cargo check --package medialink-link
CI=true cargo test
# What is stored, and all that depends on it, on PostgreSQL as well. The decoders of images know of no database.
tests/with-postgres.sh cargo test --lib storage
tests/with-postgres.sh cargo test --test bridge -- --skip hostile_images
