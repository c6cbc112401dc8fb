#!/usr/bin/env python3
"""Links per second: in batches of 100 over 4 connections, and singly over 64.

    benches/issuing/run.py BINARY…

With several binaries, they are measured in turns. The database is a new SQLite file each time, or a new
database on the PostgreSQL server that TEST_POSTGRES_URL names (`tests/with-postgres.sh benches/issuing/run.py …`).
It needs wrk. The homeserver is a small server that knows no policy of any room.
"""

from __future__ import annotations

import argparse
import http.server
import os
import re
import secrets
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

ROOMS = 20
LOADS = {"batches of 100, 4 connections": (100, 4), "singly, 64 connections": (1, 64)}


class NoPolicy(http.server.BaseHTTPRequestHandler):
    """Knows nothing."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer that there is nothing, besides a homeserver."""
        status, body = 404, b'{"errcode":"M_NOT_FOUND","error":"nothing"}'
        if self.path == "/_matrix/client/versions":
            status, body = 200, b'{"versions":["v1.11"]}'
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def database() -> str:
    """Give the URL of a new database."""
    server = os.environ.get("TEST_POSTGRES_URL")
    if not server:
        return "sqlite:data/medialink.db"
    name = f"bench_{secrets.token_hex(6)}"
    psql = shutil.which("psql") or sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"))[-1]
    made = [str(psql), f"{server}/postgres", "-qc", f"CREATE DATABASE {name}"]
    subprocess.run(made, check=True, timeout=60)
    return f"{server}/{name}"


def cpu_s(pid: int) -> float:
    """Give the processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(binary: Path, batch: int, connections: int, seconds: int, homeserver: str) -> tuple[float, float]:
    """Give links per second, and microseconds of processor time of the service per link."""
    folder = Path(tempfile.mkdtemp(prefix="issuing."))
    public, internal, token = free_port(), free_port(), secrets.token_hex(32)
    config = folder / "bridge.yaml"
    at = database()
    root_secret = folder / "root-secret"
    root_secret.touch(mode=0o600)
    root_secret.write_text(secrets.token_hex(32))
    sealing = "root_secret_file: root-secret\n" if at.startswith("postgres") else ""
    config.write_text(
        f"listen: {{public: '127.0.0.1:{public}', internal: '127.0.0.1:{internal}'}}\n"
        f"public_url: http://127.0.0.1:{public}\ndatabase: {at}\nkey_file: data/link-keys.yaml\n{sealing}"
        f"homeserver: {{url: '{homeserver}', server_name: example.org}}\n"
        f"bridges:\n  - {{id: irc, api_token: {token}, as_token: {secrets.token_hex(32)}, "
        f"hs_token: {secrets.token_hex(32)}, user_id: '@medialink:example.org'}}\n"
    )
    config.chmod(0o600)
    log = (folder / "log").open("wb")
    command = [str(binary), "--config", str(config), "serve"]
    service = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{internal}/ready", service)
        rates, before, started = [], 0.0, 0.0
        # The first run asks for the policies of the rooms.
        for run, length in (("a", 1), ("b", seconds)):
            before, started = cpu_s(service.pid), time.monotonic()
            more = {"BATCH": str(batch), "ROOMS": str(ROOMS), "TOKEN": token, "RUN": run}
            script = Path(__file__).with_name("wrk.lua")
            wrk = ["wrk", "-t1", f"-c{connections}", f"-d{length}s", "-s", str(script)]
            wrk += ["--timeout", "30s", f"http://127.0.0.1:{internal}"]
            told = subprocess.run(
                wrk, env=os.environ | more, capture_output=True, text=True, timeout=seconds + 60, check=True
            ).stdout
            if "Non-2xx" in told or "Socket errors" in told:
                raise SystemExit(told)
            requests = int(re.search(r"(\d+) requests in", told).group(1))
            rates.append(requests * batch)
        links = rates[-1]
        return links / (time.monotonic() - started), (cpu_s(service.pid) - before) / links * 1e6
    finally:
        service.terminate()
        service.wait(timeout=30)
        log.close()
        shutil.rmtree(folder)


def wait_for(url: str, service: subprocess.Popen[bytes]) -> None:
    """Wait until the service is ready."""
    for _ in range(300):
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            if service.poll() is not None:
                raise SystemExit("the service has ended") from None
            time.sleep(0.1)
    raise SystemExit("the service does not become ready")


def main() -> None:
    """Measure, and print a table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("binaries", nargs="+", type=lambda path: Path(path).resolve())
    arguments.add_argument("--seconds", type=int, default=4)
    arguments.add_argument("--rounds", type=int, default=3)
    given = arguments.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), NoPolicy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    homeserver = f"http://127.0.0.1:{server.server_address[1]}"
    print("| load | binary | links/s | CPU µs/link |\n| --- | --- | --- | --- |")
    for load, (batch, connections) in LOADS.items():
        found: dict[Path, list[tuple[float, float]]] = {binary: [] for binary in given.binaries}
        for _ in range(given.rounds):
            for binary in given.binaries:
                found[binary].append(measure(binary, batch, connections, given.seconds, homeserver))
        for binary, figures in found.items():
            rates, costs = zip(*figures, strict=True)
            middle = statistics.median
            spread = f"{min(rates):,.0f} to {max(rates):,.0f}"
            print(f"| {load} | {binary.name} | {middle(rates):,.0f} ({spread}) | {middle(costs):.0f} |", flush=True)


if __name__ == "__main__":
    main()
