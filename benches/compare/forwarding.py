"""Transactions to a bridge: directly, and through Medialink in front of it, in turns."""

from __future__ import annotations

import json
import random
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import web
from media import SERVER_NAME
from measure import cpu_between, cpu_seconds, peak_rss_mib, rss_mib
from processes import Failure, Running, free_port, running

EVENTS = 100
BLOCKS = 10
_ANSWER_WITHIN_S = 60.0
# Of each so many transactions, one has a redaction, or a member event.
_REDACTION_EVERY = 10
_MEMBER_EVERY = 3
_ROOMS = 20
_USERS = 200
_WORDS = (
    "the bridge sees a picture and asks for links that work in any browser while people on the "
    "other network talk about weather trains lunch releases and why builds are slow today"
).split()
_PROGRAM = Path(__file__).with_name("bridge.py")


@dataclass(frozen=True)
class Bridge:
    """A running stand-in for a bridge."""

    server: Running
    url: str

    def received(self) -> tuple[int, int]:
        """Give how many transactions it has got, and how many bytes they had."""
        counts = web.ask_json(self.url, {})
        return int(counts["transactions"]), int(counts["bytes"])


@contextmanager
def bridge(folder: Path) -> Iterator[Bridge]:
    """Run the stand-in for a bridge."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-B", str(_PROGRAM), str(port)]
    with running("bridge", command, folder) as process:
        process.wait_until(lambda: web.answers(url))
        yield Bridge(process, url)


@dataclass
class Way:
    """A way to the bridge, with the milliseconds of each transaction, by block."""

    name: str
    url: str
    hs_token: str
    blocks: list[list[float]] = field(default_factory=list)

    @property
    def times(self) -> list[float]:
        """Give the times of all blocks."""
        return [taken for block in self.blocks for taken in block]


@dataclass(frozen=True)
class Forwarding:
    """The results."""

    direct: Way
    through: Way
    body_bytes: int
    # Of Medialink alone.
    cpu_s: float
    # Resident memory of Medialink in MiB: before, after each block, and at most.
    before: float
    after: list[float]
    peak: float


def measure(
    behind: Bridge, direct: Way, through: Way, service: Running, transactions: int
) -> Forwarding:
    """Send the same transactions by both ways, block by block, over one connection each."""
    size = transactions // BLOCKS
    family = service.family()
    before, after, body_bytes = rss_mib(family), [], 0
    source = _Source()
    cpu_before = cpu_seconds(family)
    with _connected(direct) as one, _connected(through) as other:
        for block in range(BLOCKS):
            bodies = [source.transaction() for _ in range(size)]
            body_bytes += sum(len(body) for body in bodies)
            # The way that comes first in one block comes last in the next.
            for way, connection in [(direct, one), (through, other)][:: -1 if block % 2 else 1]:
                had, had_bytes = behind.received()
                way.blocks.append(_send(connection, way, block * size, bodies))
                got, got_bytes = behind.received()
                expected = (size, sum(len(body) for body in bodies))
                if (got - had, got_bytes - had_bytes) != expected:
                    raise Failure(f"the bridge got other than was sent, {way.name}")
            service.check()
            after.append(rss_mib(family))
            print(
                f"transactions, block {block + 1}: {direct.name} {_rate(direct):.0f}/s, "
                f"{through.name} {_rate(through):.0f}/s",
                file=sys.stderr,
            )
    # Between its turns, the service has nothing to do.
    cpu_s = cpu_between(cpu_before, cpu_seconds(family))
    # The kernel counts both roughly, so a look can show more than its own peak.
    peak = max(peak_rss_mib(family), before, *after)
    mean = body_bytes // (size * BLOCKS)
    return Forwarding(direct, through, mean, cpu_s, before, after, peak)


def _rate(way: Way) -> float:
    return 1000 * len(way.blocks[-1]) / sum(way.blocks[-1])


@contextmanager
def _connected(way: Way) -> Iterator[socket.socket]:
    with socket.create_connection(web.address(way.url), timeout=_ANSWER_WITHIN_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield connection


def _send(connection: socket.socket, way: Way, first: int, bodies: list[bytes]) -> list[float]:
    host, port = web.address(way.url)
    times = []
    for number, body in enumerate(bodies, first):
        head = (
            f"PUT /_matrix/app/v1/transactions/{number} HTTP/1.1\r\nHost: {host}:{port}\r\n"
            f"User-Agent: Synapse\r\nAuthorization: Bearer {way.hs_token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        request = head.encode() + body
        start = time.perf_counter()
        connection.sendall(request)
        _read_answer(connection, way)
        times.append((time.perf_counter() - start) * 1000)
    return times


def _read_answer(connection: socket.socket, way: Way) -> None:
    answer = b""
    while not answer.endswith(b"\r\n\r\n{}"):
        piece = connection.recv(64 << 10)
        answer += piece
        if not piece or (b"\r\n" in answer and not answer.startswith(b"HTTP/1.1 200 ")):
            raise Failure(f"a transaction was not taken, {way.name}: {answer[:200]!r}")


class _Source:
    """Makes transactions as Synapse would send them; always the same ones."""

    def __init__(self) -> None:
        self._random = random.Random("transactions")
        self._transactions = 0
        self._events = 0
        # Nobody has seen the first one.
        self._redactable = f"${0:043d}"
        self._now = 1_790_000_000_000

    def transaction(self) -> bytes:
        """Give the body of the next one."""
        number = self._transactions
        self._transactions += 1
        events = [self._message() for _ in range(EVENTS)]
        if number % _MEMBER_EVERY == 0:
            events[EVENTS // 3] = self._member()
        if number % _REDACTION_EVERY == 0:
            events[EVENTS // 2] = self._redaction(self._redactable)
            self._redactable = str(events[0]["event_id"])
        return json.dumps({"events": events}, separators=(",", ":")).encode()

    def _message(self) -> dict[str, object]:
        words = " ".join(self._random.choices(_WORDS, k=18))
        content = {
            "msgtype": "m.text",
            "body": words,
            "format": "org.matrix.custom.html",
            "formatted_body": f"<p>{words}</p>",
            "m.mentions": {},
        }
        return self._event("m.room.message", content)

    def _member(self) -> dict[str, object]:
        content = {"membership": "join", "displayname": "Somebody", "avatar_url": None}
        event = self._event("m.room.member", content)
        return event | {"state_key": event["sender"]}

    def _redaction(self, event_id: str) -> dict[str, object]:
        # Since room version 11 in the content; Synapse shows it outside of it as well.
        event = self._event("m.room.redaction", {"redacts": event_id, "reason": "spam"})
        return event | {"redacts": event_id}

    def _event(self, kind: str, content: dict[str, object]) -> dict[str, object]:
        self._events += 1
        self._now += self._random.randrange(1000)
        sender = f"@user{self._random.randrange(_USERS)}:{SERVER_NAME}"
        age = self._random.randrange(1000)
        # The shape that appservices get.
        return {
            "age": age,
            "content": content,
            "event_id": f"${self._events:043d}",
            "origin_server_ts": self._now,
            "room_id": f"!{self._random.randrange(_ROOMS):043d}",
            "sender": sender,
            "type": kind,
            "unsigned": {"age": age},
            "user_id": sender,
        }
