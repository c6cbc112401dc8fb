#!/usr/bin/env bash
# A newcomer's first minutes with the container image, run by a script: the image is built, `init` writes the files, the
# service runs with a read-only root and no capabilities, and a link opens, against a real Synapse. Then it is another
# user's, and its keys are on a mount that nobody writes. Says how long each step takes.
#
#   packaging/container.sh [BINARY]
#
# Without a static BINARY, one is built for musl, which takes minutes: rustup adds the target, musl-gcc (Debian's package
# musl-tools) compiles what is C. It stands in the place of the recipe's first stage, which pulls an image of Rust; the
# rest is packaging/Dockerfile as it is.
#
# Needs root, the Synapse of tests/setup-synapse.sh, and podman. PODMAN has the command with its own options, and
# RUN_OPTIONS has options of `podman run`, such as --ulimit where the machine does not let podman choose its own. Without
# systemd, podman complains that it cannot ask for the health now and then; it is asked here.
# Everything listens on 127.0.0.1, on the network of the machine, and ends with the script.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=$(uname -m)-unknown-linux-musl
work=$PWD/target/container
image=localhost/medialink-of-a-newcomer
name=medialink-of-a-newcomer
read -r -a podman <<<"${PODMAN:-podman}"
read -r -a run_options <<<"${RUN_OPTIONS:-}"
# shellcheck source=packaging/newcomer.sh
. packaging/newcomer.sh

finish() {
  "${podman[@]}" rm --force --ignore "$name" >/dev/null 2>&1 || true
  end_children
}
trap finish EXIT

# Runs the image as docs/packages.md says, as this user, with more options up to `--` and then the arguments.
user=1000
run() {
  local options=()
  while [[ $1 != -- ]]; do
    options+=("$1")
    shift
  done
  shift
  "${podman[@]}" run --read-only --cap-drop=ALL --security-opt=no-new-privileges --user "$user:$user" --network host \
    --volume "$work/data:/data" "${run_options[@]}" "${options[@]}" "$image" "$@"
}
start_service() {
  run --detach --name "$name" "$@" -- >/dev/null
  answers "http://$internal/ready"
}
# Stops it as an engine does, which has to be enough.
stop_service() {
  "${podman[@]}" stop --time 30 "$name" >/dev/null
  local code
  code=$("${podman[@]}" inspect --format '{{.State.ExitCode}}' "$name")
  [[ $code == 0 ]] || { echo "stopped, it ends with $code" >&2; exit 1; }
  "${podman[@]}" logs "$name" >>"$work/medialink.log" 2>&1
  "${podman[@]}" rm "$name" >/dev/null
}

mkdir -p "$work"
binary=${1:-}
if [[ -z $binary ]]; then
  rustup target add "$target" 2>"$work/rustup.log"
  cargo build --quiet --release --locked --package medialink --no-default-features --bin medialink --target "$target"
  binary=${CARGO_TARGET_DIR:-target}/$target/release/medialink
  step "a static binary"
fi

# The files of the first stage, at their places, and the rest of the recipe.
context=$work/context
rm -rf "$context" "$work/data" "$work/keys"
install -D -m 755 "$binary" "$context/source/target/release/medialink"
install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$context/etc/ssl/certs/ca-certificates.crt"
install -d -m 700 -o 65534 -g 65534 "$context/data"
sed -e '1,/^FROM scratch$/{/^FROM scratch$/!d}' -e 's/^COPY --from=build /COPY /' packaging/Dockerfile >"$context/Dockerfile"
"${podman[@]}" build --format docker --isolation chroot --tag "$image" "$context" >"$work/build.log" 2>&1
step "the image"

# Nothing is in it but the service, the certificates and an empty folder.
"${podman[@]}" create --name "$name" "${run_options[@]}" "$image" >/dev/null
found=$("${podman[@]}" export "$name" | tar --list | sed 's|/$||' | grep --invert-match --extended-regexp \
  '^(dev|etc|proc|run|sys|etc/(hostname|hosts|mtab|resolv.conf|ssl|ssl/certs)|dev/.*|run/.*)$' | sort | tr '\n' ' ')
"${podman[@]}" rm "$name" >/dev/null
[[ $found == "data etc/ssl/certs/ca-certificates.crt medialink " ]] || { echo "there is $found in it" >&2; exit 1; }

began=$(date +%s%N)
install -d -m 700 -o "$user" -g "$user" "$work/data"
run --rm -- init --yes --server-name example.org --homeserver-url "$homeserver" --public-url "http://$public" \
  --listen-public "$public" --listen-internal "$internal" >"$work/init.log"
run --rm -- check
step "the first configuration holds"

start_synapse "$work/data/medialink-registration.yaml"
step "Synapse knows the registration, and runs"

start_service
"${podman[@]}" healthcheck run "$name" >/dev/null
step "the service runs, and is healthy by its own word"

share_picture "$(<"$(find "$work/data" -name irc-api-token)")"
step "a link that opens"
since_began "from the image to a link that opens"

stop_service
start_service
opens
step "stopped and started, it opens as before"

# Any user will do, to whom the data belongs; the keys may be where the service cannot write.
stop_service
user=54321
chown -R "$user:$user" "$work/data"
install -d "$work/keys"
mv "$(find "$work/data" -name link-keys.yaml)" "$work/keys/"
start_service --volume "$work/keys:/keys:ro" --env MEDIALINK_KEY_FILE=/keys/link-keys.yaml
opens
step "as another user, with keys that nobody writes, it opens as before"

"${podman[@]}" exec "$name" /medialink links revoke "$url" >/dev/null
is_gone
step "revoked, it is gone"
stop_service
