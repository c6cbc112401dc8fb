#!/usr/bin/env python3
"""Three abusers beside ordinary readers: what the abusers get, and what the readers notice.

    benches/abuse.py BINARY [--seconds S] [--addresses N]

One guesses tokens as fast as it can, one has a video hot-linked from many addresses of one network, one has a room post
10,000 files. Each is to get what its limit allows and no more: all of it at once, and what flows back meanwhile. The
readers follow links, 200 requests a second together, before and during the abuse. The database is a new SQLite file.
The homeserver is a small server with media of two sizes. With --addresses, so many clients, each with an address of its
own, send a request afterwards, and the memory of the service is shown.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable
from http.server import ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).with_name("issuing")))
from run import NoPolicy, free_port, wait_for  # noqa: E402

PICTURE, VIDEO = b"x" * 10_240, b"v" * 1_048_576
READERS, PER_READER = 20, 10
# Amounts of a minute.
GUESSES, NETWORK_BYTES, ROOM_LINKS = 600, 200 << 20, 1000
LIMITS = (
    f"{{per_client: {{requests: 100000/min, bytes: {NETWORK_BYTES}B/min, bad_links: {GUESSES}/min, streams: 16}}, "
    f"per_room: {{links: {ROOM_LINKS}/min}}, per_link: {{bytes: 10GiB/day}}, total: {{streams: 4096}}}}"
)


class Media(NoPolicy):
    """Has a video, and pictures under every other name."""

    def do_GET(self) -> None:
        """Answer a download."""
        if "/media/download/" not in self.path:
            super().do_GET()
            return
        body = VIDEO if "/video" in self.path else PICTURE
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Connection:
    """A connection that is kept open."""

    def __init__(self, port: int) -> None:
        """Connect later."""
        self.port, self.streams = port, None

    async def ask(self, path: str, client: str, body: bytes | None = None, token: str = "") -> tuple[int, int, bytes]:
        """Send a request; give status, length of the body, and the body if it is JSON."""
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.streams
        head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {client}\r\n"
        if body is not None:
            head += f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        writer.write(head.encode() + b"\r\n" + (body or b""))
        answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(answer.split("content-length: ")[1].split("\r\n")[0])
        content = await reader.readexactly(length)
        return int(answer[9:12]), length, content if "json" in answer else b""


async def repeated(seconds: float, count: int, act: Callable[[int], Awaitable[None]]) -> None:
    """Let so many act again and again, until the time is over."""
    end = time.monotonic() + seconds

    async def one(number: int) -> None:
        while time.monotonic() < end:
            await act(number)

    tasks = [asyncio.create_task(one(number)) for number in range(count)]
    await asyncio.wait(tasks, timeout=seconds + 2)
    for task in tasks:
        task.cancel()


async def read(port: int, paths: list[str], seconds: float) -> dict:
    """Follow links as ordinary readers do."""
    times, statuses, connections = [], Counter(), [Connection(port) for _ in range(READERS)]

    async def act(number: int) -> None:
        began = time.perf_counter()
        status, _, _ = await connections[number].ask(paths[number], f"198.51.100.{number + 1}")
        times.append(time.perf_counter() - began)
        statuses[status] += 1
        await asyncio.sleep(1 / PER_READER)

    await repeated(seconds, READERS, act)
    times.sort()
    share = {f"p{of}": times[int(len(times) * of / 100)] * 1000 for of in (50, 90, 99)}
    return {"statuses": statuses, **share}


async def guess(port: int, seconds: float) -> Counter:
    """Guess tokens."""
    statuses, connections = Counter(), [Connection(port) for _ in range(4)]

    async def act(number: int) -> None:
        status, _, _ = await connections[number].ask(f"/m/{secrets.token_urlsafe(32)}", "203.0.113.7")
        statuses[status] += 1
        # A thousand a second: the load is not to take the processor from the readers.
        await asyncio.sleep(0.004)

    await repeated(seconds, 4, act)
    return statuses


async def hot_link(port: int, path: str, seconds: float) -> Counter:
    """Request a video from many addresses of one network."""
    got, connections = Counter(), [Connection(port) for _ in range(12)]

    async def act(number: int) -> None:
        status, length, _ = await connections[number].ask(path, f"2001:db8:1:2::{secrets.token_hex(2)}")
        got[status] += 1
        got["bytes"] += length if status == 200 else 0
        await asyncio.sleep(0 if status == 200 else 0.02)

    await repeated(seconds, 12, act)
    return got


async def post(port: int, token: str, seconds: float) -> Counter:
    """Have a room post files, 10,000 within the time."""
    statuses, connection, posted = Counter(), Connection(port), 0
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        links = [{"mxc": f"mxc://example.org/f{posted + n}", "room_id": "!flood:example.org"} for n in range(50)]
        _, _, answer = await connection.ask("/v1/links/batch", "127.0.0.1", json.dumps({"links": links}).encode(), token)
        for result in json.loads(answer)["results"]:
            statuses[result.get("status", 201)] += 1
        posted += len(links)
        await asyncio.sleep(max(0.0, began + posted * seconds / 10_000 - time.monotonic()))
    return statuses


def flood(port: int, path: str, first: int, count: int) -> Counter:
    """Follow a link from many addresses, a hundred requests at a time."""
    statuses = Counter()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        answers = connection.makefile("rb")
        for begin in range(first, first + count, 100):
            heads = (
                f"HEAD {path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.{n >> 16}.{n >> 8 & 255}.{n & 255}\r\n\r\n"
                for n in range(begin, begin + 100)
            )
            connection.sendall("".join(heads).encode())
            for _ in range(100):
                statuses[int(answers.readline().split()[1])] += 1
                while answers.readline() != b"\r\n":
                    pass
    return statuses


def memory(process: subprocess.Popen) -> float:
    """Give the resident memory of a process in MiB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def run(work: Callable, *arguments: object) -> multiprocessing.pool.AsyncResult:
    """Start a part in a process of its own."""
    return POOL.apply_async(asyncio_run, (work, arguments))


def asyncio_run(work: Callable, arguments: tuple) -> object:
    """Run a part."""
    return asyncio.run(work(*arguments))


def issue(port: int, token: str, count: int, name: str) -> list[str]:
    """Issue links, each in a room of its own; give their paths."""
    links = [{"mxc": f"mxc://example.org/{name}{n}", "room_id": f"!r{n}:example.org"} for n in range(count)]
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/links/batch", json.dumps({"links": links}).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=60) as answer:
        return ["/" + link["url"].split("/", 3)[3] for link in json.load(answer)["results"]]


def measure(binary: Path, seconds: float, addresses: int, folder: Path, homeserver: str) -> None:
    """Start the service, read, and abuse."""
    public, internal, token = free_port(), free_port(), secrets.token_hex(32)
    config = folder / "bridge.yaml"
    config.write_text(
        f"listen: {{public: '127.0.0.1:{public}', internal: '127.0.0.1:{internal}'}}\n"
        f"public_url: http://127.0.0.1:{public}\ndatabase: sqlite:data/medialink.db\nkey_file: data/link-keys.yaml\n"
        f"homeserver: {{url: '{homeserver}', server_name: example.org}}\nusage: {{mode: never, touch: never}}\n"
        f"limits: {LIMITS}\n"
        f"bridges:\n  - {{id: irc, api_token: {token}, as_token: {secrets.token_hex(32)}, "
        f"hs_token: {secrets.token_hex(32)}, user_id: '@medialink:example.org'}}\n"
    )
    config.chmod(0o600)
    log = (folder / "log").open("wb")
    command = [str(binary), "--config", str(config), "serve"]
    service = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{internal}/ready", service)
        pictures, (video,) = issue(internal, token, READERS, "picture"), issue(internal, token, 1, "video")
        run(read, public, pictures, 3).get()
        idle = run(read, public, pictures, seconds).get()
        parts = [
            run(read, public, pictures, seconds), run(guess, public, seconds),
            run(hot_link, public, video, seconds), run(post, internal, token, seconds),
        ]  # fmt: skip
        during, guessed, hot, posted = (part.get() for part in parts)
        before = memory(service)
        share = addresses // 2 // 100 * 100
        floods = [POOL.apply_async(flood, (public, pictures[0], part * share, share)) for part in range(2)]
        flooded = sum((part.get() for part in floods), Counter())
        after = memory(service)
    finally:
        service.terminate()
        service.wait(timeout=60)
        log.close()
    allowed = 1 + seconds / 60
    print("| abuser | asked for | was given | allowed | ratio |\n| --- | --- | --- | --- | --- |")
    rows = (
        ("guesses", sum(guessed.values()), guessed[404], GUESSES * allowed),
        ("MiB of a hot-linked video", sum(hot[s] for s in (200, 429)), hot["bytes"] / 2**20, NETWORK_BYTES * allowed / 2**20),
        ("links of a room", sum(posted.values()), posted[201], ROOM_LINKS * allowed),
    )
    for name, asked, given, most in rows:
        print(f"| {name} | {asked:,} | {given:,.1f} | {most:,.1f} | {given / most:.3f} |")
    print("\n| readers | answers | p50 ms | p90 ms | p99 ms |\n| --- | --- | --- | --- | --- |")
    for name, told in (("alone", idle), ("beside the abusers", during)):
        answers = ", ".join(f"{count:,} × {status}" for status, count in sorted(told["statuses"].items()))
        print(f"| {name} | {answers} | {told['p50']:.2f} | {told['p90']:.2f} | {told['p99']:.2f} |")
    print(f"| ratio | | {during['p50'] / idle['p50']:.2f} | {during['p90'] / idle['p90']:.2f} | {during['p99'] / idle['p99']:.2f} |")
    if addresses:
        answers = ", ".join(f"{count:,} × {status}" for status, count in sorted(flooded.items()))
        print(f"\nA flood from {addresses:,} addresses ({answers}): {before:.0f} MiB before, {after:.0f} MiB after it")


def main() -> None:
    """Read the arguments, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=Path)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--addresses", type=int, default=0)
    asked = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Media)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    homeserver = f"http://127.0.0.1:{server.server_address[1]}"
    with tempfile.TemporaryDirectory(prefix="abuse.") as folder:
        measure(asked.binary.resolve(), asked.seconds, asked.addresses, Path(folder), homeserver)


if __name__ == "__main__":
    POOL = multiprocessing.get_context("fork").Pool(4)
    with POOL:
        main()
