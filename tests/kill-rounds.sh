#!/usr/bin/env bash
# Three replicas on one PostgreSQL under load, while in each round one thing breaks: a replica is killed, PostgreSQL
# crashes, the network between the two is cut. A line for each round, and an error for each promise that was broken.
#
#   tests/kill-rounds.sh [--rounds N] [--seed N]
#
# 50 rounds if nothing is said; a round takes about five seconds. The replicas are the binary that belongs to the
# tests. As root and with iproute2, the network is cut by network namespaces, otherwise by a proxy.
set -euo pipefail
cd "$(dirname "$0")/.."

export KILL_ROUNDS=50
while (($#)); do
  case $1 in
    --rounds) KILL_ROUNDS=$2 ;;
    --seed) export KILL_SEED=$2 ;;
    *) sed -n '2,9s/^# \?//p' "$0" >&2; exit 2 ;;
  esac
  shift 2
done
tests/with-postgres.sh cargo test --test bridge kill_rounds:: -- --nocapture
