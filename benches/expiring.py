#!/usr/bin/env python3
"""Latency of followers while a million links expire in the same minute, and before.

    benches/expiring.py BINARY [--links N]

The database is a new SQLite file, or a new database on the PostgreSQL server that TEST_POSTGRES_URL names
(`tests/with-postgres.sh benches/expiring.py …`). The service issues one link, of which the script makes N, each to
another medium, with an end in the minute that is measured. 1,000 others, which stay, are followed 800 times a
second all the while. It needs wrk. The homeserver is a small server with one medium.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from http.server import ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).with_name("issuing")))
from run import NoPolicy, cpu_s, database, free_port, wait_for  # noqa: E402

MINUTE_S = 60
FOLLOWED = 1000
CONNECTIONS = 16
BYTES = b"x" * 10240


class OneMedium(NoPolicy):
    """Has one medium under every name."""

    def do_GET(self) -> None:
        """Answer a download."""
        if "/media/download/" not in self.path:
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(BYTES)))
        self.end_headers()
        self.wfile.write(BYTES)


class Database:
    """Statements on either database."""

    def __init__(self, url: str, folder: Path) -> None:
        """Take a URL as the service does."""
        self.url, self.file = url, folder / "data/medialink.db"
        self.is_sqlite = url.startswith("sqlite:")

    def run(self, statement: str) -> str:
        """Run a statement; give the first value that it returns."""
        if self.is_sqlite:
            with sqlite3.connect(self.file, timeout=30) as connection:
                row = connection.execute(statement).fetchone()
            return "" if row is None else str(row[0])
        psql = shutil.which("psql") or sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"))[-1]
        command = [str(psql), self.url, "-qAtc", statement]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=1800).stdout.strip()

    def columns(self, table: str) -> list[str]:
        """Name the columns of a table."""
        if self.is_sqlite:
            return self.run(f"SELECT group_concat(name) FROM pragma_table_info('{table}')").split(",")
        names = f"SELECT string_agg(column_name, ',') FROM information_schema.columns WHERE table_name = '{table}'"
        return self.run(names).split(",")

    def multiply(self, table: str, count: int, row: int, changed: dict[str, str]) -> None:
        """Make so many rows of one, which differ in these columns by the number i."""
        columns = self.columns(table)
        values = ", ".join(f"({changed[name]})" if name in changed else f"t.{name}" for name in columns)
        numbers = f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
        if self.is_sqlite:
            source = f"{numbers} SELECT {values} FROM {table} t CROSS JOIN n WHERE t.id = {row}"
        else:
            source = f"SELECT {values} FROM {table} t CROSS JOIN generate_series(1, {count}) AS n (i) WHERE t.id = {row}"
        self.run(f"INSERT INTO {table} ({', '.join(columns)}) {source}")


class Service:
    """A running service."""

    def __init__(self, binary: Path, folder: Path, url: str, homeserver: str) -> None:
        """Configure it."""
        self.binary, self.folder = binary, folder
        self.public, self.internal, self.token = free_port(), free_port(), secrets.token_hex(32)
        config = folder / "bridge.yaml"
        config.write_text(
            f"listen: {{public: '127.0.0.1:{self.public}', internal: '127.0.0.1:{self.internal}'}}\n"
            f"public_url: http://127.0.0.1:{self.public}\ndatabase: {url}\nkey_file: data/link-keys.yaml\n"
            f"homeserver: {{url: '{homeserver}', server_name: example.org}}\nusage: {{touch: never}}\n"
            f"bridges:\n  - {{id: irc, api_token: {self.token}, as_token: {secrets.token_hex(32)}, "
            f"hs_token: {secrets.token_hex(32)}, user_id: '@medialink:example.org'}}\n"
        )
        config.chmod(0o600)

    def start(self) -> subprocess.Popen[bytes]:
        """Start it and wait until it is ready."""
        log = (self.folder / "log").open("ab")
        command = [str(self.binary), "--config", str(self.folder / "bridge.yaml"), "serve"]
        process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        wait_for(f"http://127.0.0.1:{self.internal}/ready", process)
        return process

    def issue(self, count: int, lifetime_ms: int) -> list[dict[str, str]]:
        """Issue links to one medium."""
        links = [
            {"mxc": "mxc://example.org/a", "room_id": "!r:example.org", "event_id": f"$e{lifetime_ms}-{n}",
             "lifetime_ms": lifetime_ms}
            for n in range(count)
        ]
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.internal}/v1/links/batch",
            json.dumps({"links": links}).encode(),
            {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["results"]

    def follow(self, paths: Path, seconds: int) -> dict[str, float]:
        """Follow links for so long; give the latencies in milliseconds."""
        wrk = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "--timeout", "30s"]
        wrk += ["-s", str(Path(__file__).with_suffix(".lua")), f"http://127.0.0.1:{self.public}"]
        told = subprocess.run(
            wrk, env=os.environ | {"PATHS": str(paths)}, capture_output=True, text=True, timeout=seconds + 60, check=True
        ).stdout
        if "Non-2xx" in told or "Socket errors" in told:
            raise SystemExit(told)
        units = {"us": 0.001, "ms": 1.0, "s": 1000.0}
        found = re.findall(r"(50|90|99)%\s+([\d.]+)(us|ms|s)", told)
        return {share: float(number) * units[unit] for share, number, unit in found}


def measure(binary: Path, links: int, folder: Path, homeserver: str) -> None:
    """Fill a database, and measure."""
    url = database()
    service, stored = Service(binary, folder, url, homeserver), Database(url, folder)
    process = service.start()
    try:
        followed = service.issue(FOLLOWED, 0)
        (folder / "paths").write_text("\n".join(link["url"].partition(f":{service.public}")[2] for link in followed))
        service.issue(1, 86_400_000)
        process.terminate()
        process.wait(timeout=30)
        started = time.monotonic()
        row = int(stored.run("SELECT MAX(id) FROM links"))
        usage = int(stored.run(f"SELECT media_reference_id FROM links WHERE id = {row}"))
        stored.multiply("media_references", links, usage, {
            "id": f"{usage} + n.i", "mxc": "'mxc://example.org/' || n.i",
        })
        # Long enough from now for the links, and for the followers of an idle service.
        begins = time.time() + 60 + (time.monotonic() - started) * 8
        stored.multiply("links", links, row, {
            "id": f"{row} + n.i", "link_id": "'link' || n.i", "event_id": "'$event' || n.i",
            "mxc": "'mxc://example.org/' || n.i", "media_reference_id": f"{usage} + n.i",
            "expires_at": f"{int(begins * 1000)} + n.i * {MINUTE_S * 1000} / {links}",
        })
        if not stored.is_sqlite:
            stored.run("ANALYZE")
        print(f"{links:,} links were made in {time.monotonic() - started:.0f} s", flush=True)
        process = service.start()
        # The first follow of each link fetches its row, and the first of all the medium.
        service.follow(folder / "paths", 4)
        if begins - time.time() < 20:
            raise SystemExit("the links were made too slowly; the first ones have expired")
        idle = service.follow(folder / "paths", 15)
        time.sleep(max(0.0, begins - time.time()))
        before = cpu_s(process.pid)
        during = service.follow(folder / "paths", MINUTE_S)
        used = cpu_s(process.pid) - before
        late = time.monotonic()
        left = f"SELECT COUNT(*) FROM links WHERE id > {row} AND state = 'live'"
        rest = int(stored.run(left))
        while int(stored.run(left)) > 0:
            time.sleep(0.5)
        print(f"{rest:,} of them were noted in the {time.monotonic() - late:.0f} s after the minute; "
              f"{used / MINUTE_S:.2f} processors were used in it")
        print("| followers | p50 ms | p90 ms | p99 ms |\n| --- | --- | --- | --- |")
        for name, times in (("idle", idle), ("during", during)):
            print(f"| {name} | {times['50']:.2f} | {times['90']:.2f} | {times['99']:.2f} |")
        print(f"| during / idle | {during['50'] / idle['50']:.2f} | {during['90'] / idle['90']:.2f} "
              f"| {during['99'] / idle['99']:.2f} |")
    finally:
        process.terminate()
        process.wait(timeout=60)


def main() -> None:
    """Read the arguments, and measure."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("binary", type=lambda path: Path(path).resolve())
    arguments.add_argument("--links", type=int, default=1_000_000)
    given = arguments.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", 0), OneMedium)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folder = Path(tempfile.mkdtemp(prefix="expiring."))
    try:
        measure(given.binary, given.links, folder, f"http://127.0.0.1:{server.server_address[1]}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
