"""The time until the first byte of large media, by several ways, in turns."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from measure import cpu_between, cpu_seconds
from processes import Running
from web import first_byte_ms

_LOOK_EVERY_S = 0.1
_SETTLED_WITHIN_S = 5.0
# Idle servers have their moments, too: a tenth of one core.
_IDLE_S = 0.1 * _LOOK_EVERY_S


@dataclass(frozen=True)
class Way:
    """A way to the media: its name, and URL and headers for each round."""

    name: str
    request: Callable[[int], tuple[str, dict[str, str]]]


@dataclass(frozen=True)
class FirstBytes:
    """Milliseconds by way; the first way asks the homeserver itself."""

    title: str
    times: dict[str, list[float]]


def measure(title: str, ways: list[Way], servers: list[Running], rounds: int) -> FirstBytes:
    """Ask by each way once a round, and break off after the first bytes."""
    times: dict[str, list[float]] = {way.name: [] for way in ways}
    for number in range(rounds):
        # Whoever comes first in one round does not in the next.
        start = number % len(ways)
        for way in ways[start:] + ways[:start]:
            times[way.name].append(first_byte_ms(*way.request(number)))
            _settle(servers)
    return FirstBytes(title, times)


def _settle(servers: list[Running]) -> None:
    # What was broken off ends late, and a cache may fetch on without a reader: not at the cost of
    # the next one.
    family = [pid for server in servers for pid in server.family()]
    before = cpu_seconds(family)
    deadline = time.monotonic() + _SETTLED_WITHIN_S
    while time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY_S)
        now = cpu_seconds(family)
        if cpu_between(before, now) <= _IDLE_S + 1e-6:
            return
        before = now
