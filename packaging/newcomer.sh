# What the newcomers' first minutes have in common (ten-minutes.sh, container.sh, which source this): steps with their
# times, a real Synapse, and a picture whose link opens. `work` is a folder for all files of a run.
# shellcheck shell=bash

synapse_port=18008
# shellcheck disable=SC2034 # for those who source this
public=127.0.0.1:18480
internal=127.0.0.1:18481
homeserver=http://127.0.0.1:$synapse_port
python=${SYNAPSE_PYTHON:-target/synapse/bin/python}
[[ $python == /* ]] || python=$PWD/$python

# Processes, which end with the script.
children=()
end_last() {
  kill "${children[-1]}" 2>/dev/null || true
  wait "${children[-1]}" 2>/dev/null || true
  unset 'children[-1]'
}
end_children() {
  while ((${#children[@]})); do
    end_last
  done
}

began=$(date +%s%N)
last=$began
# Tells what has been reached, and how long it took.
step() {
  local now
  now=$(date +%s%N)
  printf '%6.1f s  %s\n' "$(((now - last) / 100000000))e-1" "$1"
  last=$now
}
# Tells how long all of it took since `began`.
since_began() {
  printf '%6.1f s  %s\n' "$((($(date +%s%N) - began) / 100000000))e-1" "$1"
}

# Waits for an answer of 200, for a minute at most.
answers() {
  for _ in $(seq 300); do
    if curl --silent --fail --output /dev/null "$1"; then return; fi
    sleep 0.2
  done
  echo "$1 does not answer" >&2
  return 1
}
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
call() { curl --silent --show-error --fail "$@"; }
status() { curl --silent --output /dev/null --write-out '%{http_code}' "$1"; }

# Starts a Synapse that knows this registration.
start_synapse() {
  rm -rf "${work:?}/synapse"
  mkdir -p "$work/synapse/media"
  install -m 600 "$1" "$work/synapse/medialink.yaml"
  cat >"$work/synapse/homeserver.yaml" <<END
server_name: example.org
public_baseurl: $homeserver/
pid_file: $work/synapse/pid
signing_key_path: $work/synapse/signing.key
media_store_path: $work/synapse/media
database: {name: sqlite3, args: {database: "$work/synapse/homeserver.db"}}
listeners: [{port: $synapse_port, bind_addresses: [127.0.0.1], type: http, resources: [{names: [client]}]}]
report_stats: false
trusted_key_servers: []
enable_registration: true
enable_registration_without_verification: true
app_service_config_files: ["$work/synapse/medialink.yaml"]
END
  "$python" -m synapse.app.homeserver --config-path "$work/synapse/homeserver.yaml" \
    --generate-keys >"$work/synapse.log" 2>&1
  "$python" -m synapse.app.homeserver --config-path "$work/synapse/homeserver.yaml" >>"$work/synapse.log" 2>&1 &
  children+=($!)
  answers "$homeserver/_matrix/client/versions"
}

# Shares a picture in a room, as people do, and makes `url`, its link, by the API with this token. The link opens.
share_picture() {
  local client=$homeserver/_matrix/client/v3 alice room mxc
  alice=$(call -d '{"auth": {"type": "m.login.dummy"}, "username": "alice", "password": "a-long-password-1"}' \
    "$client/register" | field access_token)
  local as_alice=(-H "Authorization: Bearer $alice")
  room=$(call "${as_alice[@]}" -d '{"preset": "private_chat", "invite": ["@medialink:example.org"]}' \
    "$client/createRoom" | field room_id)
  printf '\x89PNG\r\n\x1a\n and so on' >"$work/cat.png"
  mxc=$(call "${as_alice[@]}" -H 'Content-Type: image/png' --data-binary "@$work/cat.png" \
    "$homeserver/_matrix/media/v3/upload?filename=cat.png" | field content_uri)
  url=$(call -H "Authorization: Bearer $1" -H 'Content-Type: application/json' \
    -d "{\"mxc\": \"$mxc\", \"room_id\": \"$room\", \"filename\": \"cat.png\"}" "http://$internal/v1/links" | field url)
  opens
}
opens() { call "$url" | cmp - "$work/cat.png"; }
# Waits until the link is gone, for five seconds at most.
is_gone() {
  for _ in $(seq 50); do
    if [[ $(status "$url") == 410 ]]; then return; fi
    sleep 0.1
  done
  echo "the link still answers $(status "$url")" >&2
  return 1
}
