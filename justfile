# Names for what the scripts do: https://just.systems (`cargo install just`, `pip install rust-just`).
# Everything here can be run without it; CI runs `.ci/run`, which calls the same scripts.

# List the recipes.
default:
    @just --list --unsorted

# Check form, lints, documentation and dependencies; needs no network after the first time.
check:
    tests/check.sh

# Run tests without installing anything, or some of them: `just test --lib media`.
test *ARGS:
    cargo test {{ ARGS }}

# Run everything that CI runs, on a machine that may install Synapse, bridges and tools.
ci:
    .ci/run

# Build the service as packages do, without the demo.
build:
    cargo build --release --package medialink --no-default-features

# Build the Debian package: `just deb`, or `just deb dev` for a quick try.
deb PROFILE="release":
    packaging/deb.sh {{ PROFILE }}

# Go a newcomer's way with the Debian package, in a clean Debian; needs root and debootstrap.
ten-minutes *ARGS:
    packaging/ten-minutes.sh {{ ARGS }}

# Run the service with nothing configured, and links to open in the browser.
demo *ARGS:
    cargo run -- demo {{ ARGS }}

# Write every page of the service into a folder, to be looked at in a browser.
pages DIRECTORY="target/pages":
    mkdir -p {{ DIRECTORY }}
    MEDIALINK_PAGES_DIR="$(realpath {{ DIRECTORY }})" cargo test --lib -- --ignored pages_for_looking

# Build the site of the documentation; compiles mdBook where there is none.
site *ARGS:
    docs/site.sh {{ ARGS }}

# Open the documentation of the crates.
doc:
    cargo doc --workspace --no-deps --open

# Check licences, sources and banned crates of the dependencies.
deny:
    "$(tests/setup-cargo-deny.sh)" check licenses bans sources

# Ask the RustSec database about the dependencies; needs github.com.
advisories:
    "$(tests/setup-cargo-deny.sh)" check advisories

# Fuzz a target for some seconds: token, event, headers, range, transaction. Needs cargo-fuzz.
fuzz TARGET SECONDS="60":
    fuzz/run.sh {{ TARGET }} {{ SECONDS }}

# Measure tokens, decryption and events: `just bench --bench link`.
bench *ARGS:
    cargo bench {{ ARGS }}

# Measure the service beside nginx and Synapse: `just compare --help`.
compare *ARGS:
    benches/compare/run.sh {{ ARGS }}
