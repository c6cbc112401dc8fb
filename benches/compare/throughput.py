"""Two servers under the same load, in turns."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

from measure import Load, cpu_between, cpu_seconds, put_load
from processes import Failure, Running
from web import ask

WARM_UP_S = 1


@dataclass(frozen=True)
class Target:
    """Something to ask a server for, and how it has to answer."""

    name: str
    server: Running
    url: str
    status: int
    # The length of the body; errors have whatever text they like.
    length: int | None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """One run of a load against one target."""

    load: Load
    cpu_s: float
    # Answers that were not the expected ones, and connections that failed.
    errors: int

    @property
    def per_second(self) -> float:
        """Give the requests per second."""
        return self.load.requests / self.load.seconds

    @property
    def cpu_us(self) -> float:
        """Give the processor time per request, in microseconds."""
        return self.cpu_s / self.load.requests * 1e6


@dataclass(frozen=True)
class Comparison:
    """What came of two targets under one load: the runs of each, one per round."""

    title: str
    connections: int
    base: str
    other: str
    rounds: list[tuple[Run, Run]]


def compare(
    title: str, connections: int, base: Target, other: Target, rounds: int, seconds: int
) -> Comparison:
    """Run a load against two targets, in turns."""
    for target in (base, other):
        _check(target)
    runs = []
    for number in range(1, rounds + 1):
        pair = (_run(base, connections, seconds), _run(other, connections, seconds))
        print(
            f"{title}, round {number}: {base.name} {pair[0].per_second:.0f}/s, "
            f"{other.name} {pair[1].per_second:.0f}/s",
            file=sys.stderr,
        )
        runs.append(pair)
    return Comparison(title, connections, base.name, other.name, runs)


def _check(target: Target) -> None:
    status, body = ask(target.url, target.headers)
    if status != target.status or target.length not in (None, len(body)):
        raise Failure(
            f"{target.name} answered {status} with {len(body)} bytes, "
            f"expected {target.status} with {target.length}"
        )


def _run(target: Target, connections: int, seconds: int) -> Run:
    put_load(target.url, connections, WARM_UP_S, target.headers)
    target.server.check()
    family = target.server.family()
    before = cpu_seconds(family)
    load = put_load(target.url, connections, seconds, target.headers)
    cpu_s = cpu_between(before, cpu_seconds(family))
    target.server.check()
    unexpected = load.refused if target.status < 400 else load.requests - load.refused
    return Run(load, cpu_s, unexpected + load.failed)
