#!/usr/bin/env python3
"""What it costs to look a link up that is not remembered, however many links there are.

    benches/issuing/lookups.py [--links N…] BINARY…

For each number of links, they are issued, 8,000 of them, spread over the table, are revoked, and the service starts
again. Each of the 8,000 is then followed three times: the first time the database is asked for it, then it is
remembered. The answer is 410 each time, so that the difference is the lookup. Its processor time is that of the
service, without a PostgreSQL server's. The database is a new SQLite file, or a new database on the server that
TEST_POSTGRES_URL names.
"""

from __future__ import annotations

import argparse
import http.client
import http.server
import json
import random
import secrets
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from run import NoPolicy, cpu_s, database, free_port, wait_for

FOLLOWED = 8_000
CALLERS = 4
SAMPLE = "!sample:example.org"


class Service:
    """A service with a database of its own."""

    def __init__(self, binary: Path, homeserver: str) -> None:
        """Write its configuration."""
        self.folder = Path(tempfile.mkdtemp(prefix="lookups."))
        self.public, self.internal, self.token = free_port(), free_port(), secrets.token_hex(32)
        config = self.folder / "bridge.yaml"
        config.write_text(
            f"listen: {{public: '127.0.0.1:{self.public}', internal: '127.0.0.1:{self.internal}'}}\n"
            f"public_url: http://127.0.0.1:{self.public}\ndatabase: {database()}\nkey_file: data/link-keys.yaml\n"
            f"homeserver: {{url: '{homeserver}', server_name: example.org}}\n"
            f"bridges:\n  - {{id: irc, api_token: {self.token}, as_token: {secrets.token_hex(32)}, "
            f"hs_token: {secrets.token_hex(32)}, user_id: '@medialink:example.org'}}\n"
        )
        config.chmod(0o600)
        self.command = [str(binary), "--config", str(config), "serve"]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command, cwd=self.folder, stdout=log, stderr=log)
        wait_for(f"http://127.0.0.1:{self.internal}/ready", self.process)

    def stop(self) -> None:
        """Stop it."""
        self.process.terminate()
        self.process.wait(timeout=60)

    def post(self, connection: http.client.HTTPConnection, path: str, body: object) -> dict:
        """Ask the bridge API."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        told = answer.read()
        if answer.status not in (200, 201):
            raise SystemExit(f"{path}: {answer.status} {told[:300]!r}")
        return json.loads(told)

    def issue(self, count: int) -> list[str]:
        """Issue links, and give the paths of those of the sample."""
        step = max(count // FOLLOWED, 1)

        def order(n: int) -> dict[str, str]:
            room = SAMPLE if n % step == 0 else f"!room{n % 200}:example.org"
            return {"mxc": f"mxc://example.org/{n:024}", "room_id": room, "event_id": "$" + secrets.token_urlsafe(32)}

        def issue(connection: http.client.HTTPConnection, numbers: tuple[int, ...]) -> list[str]:
            told = self.post(connection, "/v1/links/batch", {"links": [order(n) for n in numbers]})
            links = zip(numbers, told["results"], strict=True)
            return [urlsplit(link["url"]).path for n, link in links if n % step == 0]

        pieces = [tuple(range(start, min(start + 100, count))) for start in range(0, count, 100)]
        return [path for paths in many(self.internal, issue, pieces) for path in paths]

    def follow(self, paths: list[str]) -> float:
        """Follow links, and give the processor time of each in microseconds."""

        def follow(connection: http.client.HTTPConnection, path: str) -> None:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 410:
                raise SystemExit(f"{path}: {answer.status}")

        before = cpu_s(self.process.pid)
        many(self.public, follow, paths)
        return (cpu_s(self.process.pid) - before) / len(paths) * 1e6


def many(port: int, call: Callable[..., object], asked: Iterable[object]) -> list:
    """Make calls over a few connections."""
    own = threading.local()

    def one(question: object) -> object:
        if not hasattr(own, "connection"):
            own.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        return call(own.connection, question)

    with ThreadPoolExecutor(CALLERS) as callers:
        return list(callers.map(one, asked))


def measure(binary: Path, links: int, homeserver: str) -> tuple[float, float]:
    """Give the processor time of a follow that asks the database, and of one that does not."""
    service = Service(binary, homeserver)
    try:
        service.start()
        paths = service.issue(links)[:FOLLOWED]
        random.Random(1).shuffle(paths)
        connection = http.client.HTTPConnection("127.0.0.1", service.internal, timeout=600)
        service.post(connection, "/v1/revocations", {"room_id": SAMPLE})
        service.stop()
        service.start()
        asked = service.follow(paths)
        service.follow(paths)
        remembered = service.follow(paths)
        return asked, remembered
    finally:
        service.stop()
        shutil.rmtree(service.folder)


def main() -> None:
    """Measure, and print a table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("binaries", nargs="+", type=lambda path: Path(path).resolve())
    arguments.add_argument("--links", nargs="+", type=int, default=[10_000, 1_000_000])
    given = arguments.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), NoPolicy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    homeserver = f"http://127.0.0.1:{server.server_address[1]}"
    print("| links | binary | asked, µs | remembered, µs | lookup, µs |\n| --- | --- | --- | --- | --- |")
    for links in given.links:
        for binary in given.binaries:
            asked, remembered = measure(binary, links, homeserver)
            told = f"{asked:.0f} | {remembered:.0f} | {asked - remembered:.0f}"
            print(f"| {links:,} | {binary.name} | {told} |", flush=True)


if __name__ == "__main__":
    main()
