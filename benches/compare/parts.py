"""The parts of the comparison: which servers, which media, which load."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import first_byte
import forwarding
import medialink
import memory
import nginx
import synapse
from bench import Bench
from first_byte import FirstBytes, Way
from forwarding import Forwarding
from media import LARGE, MEDIUM, SLOW, SMALL, Kind, mxc
from medialink import Medialink
from memory import READERS, Crowd, Memory
from processes import Failure, free_port
from throughput import Comparison, Target, compare
from web import ask


@dataclass(frozen=True)
class Scenario:
    """A load beside nginx."""

    title: str
    kind: Kind
    cached: bool
    connections: int
    refused: bool = False


SCENARIOS = {
    "cached-10k": Scenario("10 KiB, cached", SMALL, True, 64),
    "uncached-10k": Scenario("10 KiB, no cache", SMALL, False, 64),
    "cached-1m": Scenario("1 MiB, cached", MEDIUM, True, 16),
    "uncached-1m": Scenario("1 MiB, no cache", MEDIUM, False, 16),
    "refused": Scenario("refused link", SMALL, True, 64, refused=True),
}


def throughput_beside_nginx(bench: Bench, scenario: Scenario) -> Comparison:
    """Compare nginx and Medialink under one load."""
    with (
        bench.upstream() as upstream,
        bench.nginx_at(upstream) as beside,
        bench.medialink_at(upstream.url, scenario.cached) as service,
    ):
        return compare(
            scenario.title,
            scenario.connections,
            _nginx_target(beside, scenario),
            _medialink_target(service, scenario),
            bench.rounds,
            bench.seconds,
        )


def throughput_beside_earlier(bench: Bench, scenario: Scenario) -> Comparison:
    """Compare another build of Medialink and this one under one load."""
    with (
        bench.upstream() as upstream,
        bench.earlier_at(upstream.url, scenario.cached) as earlier,
        bench.medialink_at(upstream.url, scenario.cached) as service,
    ):
        return compare(
            scenario.title,
            scenario.connections,
            replace(_medialink_target(earlier, scenario), name="Medialink before"),
            _medialink_target(service, scenario),
            bench.rounds,
            bench.seconds,
        )


def _nginx_target(server: nginx.Nginx, scenario: Scenario) -> Target:
    base = server.cached if scenario.cached else server.uncached
    url = server.link(base, scenario.kind.media_id(0))
    if scenario.refused:
        # The signature of other media.
        url = url.replace(scenario.kind.media_id(0), scenario.kind.media_id(1))
        return Target("nginx", server.server, url, 403, None)
    return Target("nginx", server.server, url, 200, scenario.kind.size)


def _medialink_target(service: Medialink, scenario: Scenario) -> Target:
    url = service.link(mxc(scenario.kind.media_id(0)))
    if scenario.refused:
        return Target("Medialink", service.server, medialink.forged(url), 404, None)
    return Target("Medialink", service.server, url, 200, scenario.kind.size)


def first_byte_beside_nginx(bench: Bench) -> FirstBytes:
    """Measure cold 100 MiB of the fast upstream; each round has media of its own."""
    rounds = bench.first_byte_rounds
    media_ids = [LARGE.media_id(number) for number in range(rounds)]
    with (
        bench.upstream() as upstream,
        bench.nginx_at(upstream) as beside,
        bench.medialink_at(upstream.url, cached=True) as cached,
        bench.medialink_at(upstream.url, cached=False) as uncached,
    ):
        addresses = [mxc(media_id) for media_id in media_ids]
        ways = [
            _way("the upstream itself", [upstream.media_url(one) for one in media_ids]),
            _way("nginx, cold cache", [beside.link(beside.cached, one) for one in media_ids]),
            _way("nginx, no cache", [beside.link(beside.uncached, one) for one in media_ids]),
            _way("Medialink, cold cache", cached.links(addresses)),
            _way("Medialink, no cache", uncached.links(addresses)),
        ]
        servers = [upstream.server, beside.server, cached.server, uncached.server]
        return first_byte.measure("nginx with static files", ways, servers, rounds)


def first_byte_beside_synapse(bench: Bench) -> FirstBytes:
    """Measure cold 100 MiB of a real Synapse."""
    with beside_synapse(bench) as (homeserver, service):
        uploads = [homeserver.upload(LARGE) for _ in range(bench.copies)]
        rounds = bench.first_byte_rounds
        addresses = [uploads[number % bench.copies] for number in range(rounds)]
        # Synapse knows no content tokens. In Medialink's cache, media with another token is other
        # media: so an upload that was asked for before is cold again.
        links = service.links(addresses, [f"token-{number}" for number in range(rounds)])
        urls = [homeserver.media_url(address) for address in addresses]
        ways = [
            _way("Synapse itself", urls, homeserver.headers),
            _way("Medialink, cold cache", links),
        ]
        servers = [homeserver.server, service.server]
        return first_byte.measure("Synapse", ways, servers, rounds)


def throughput_beside_synapse(bench: Bench) -> Comparison:
    """Compare Synapse itself with Medialink's cache in front of it."""
    with beside_synapse(bench) as (homeserver, service):
        address = homeserver.upload(SMALL)
        url = homeserver.media_url(address)
        base = Target("Synapse", homeserver.server, url, 200, SMALL.size, homeserver.headers)
        link = service.link(address)
        other = Target("Medialink", service.server, link, 200, SMALL.size)
        return compare(
            "10 KiB, cached before Synapse", 16, base, other, bench.rounds, bench.seconds
        )


@contextmanager
def beside_synapse(bench: Bench) -> Iterator[tuple[synapse.Synapse, Medialink]]:
    """Run Synapse, and Medialink with a cache in front of it."""
    port = free_port()
    with (
        bench.set_up(f"http://127.0.0.1:{port}", cached=True) as setup,
        bench.folder_for("synapse") as folder,
        synapse.serving(bench.synapse_python, folder, port, setup) as homeserver,
        medialink.serving(setup) as service,
    ):
        yield homeserver, service


def _way(name: str, urls: list[str], headers: dict[str, str] | None = None) -> Way:
    return Way(name, lambda number: (urls[number], headers or {}))


@dataclass(frozen=True)
class MemoryCase:
    """The bytes for the slow readers."""

    title: str
    kind: Kind
    cached: bool
    different: bool = False
    filled: bool = False


MEMORY_CASES = [
    MemoryCase("no cache, one link", SLOW, cached=False),
    MemoryCase("no cache, different links", SLOW, cached=False, different=True),
    MemoryCase("cold cache, one link", LARGE, cached=True),
    MemoryCase("cold cache, different links", SLOW, cached=True, different=True),
    MemoryCase("filled cache, one link", LARGE, cached=True, filled=True),
]


def memory_of(bench: Bench, case: MemoryCase) -> list[Memory]:
    """Measure the memory of fresh servers."""
    media_ids = [case.kind.media_id(one if case.different else 0) for one in range(READERS)]
    with (
        bench.upstream() as upstream,
        bench.nginx_at(upstream) as beside,
        bench.medialink_at(upstream.url, case.cached) as service,
    ):
        base = beside.cached if case.cached else beside.uncached
        crowds = [
            Crowd("nginx", beside.server, [beside.link(base, one) for one in media_ids]),
            Crowd("Medialink", service.server, service.links([mxc(one) for one in media_ids])),
        ]
        if case.filled:
            _fill(crowds, case.kind)
        return memory.measure(case.title, crowds, bench.memory_seconds)


def forwarded(bench: Bench) -> Forwarding:
    """Measure the time that Medialink adds between a homeserver and a bridge."""
    with (
        bench.upstream() as upstream,
        bench.folder_for("bridge") as folder,
        forwarding.bridge(folder) as behind,
        bench.medialink_before(upstream.url, behind.url) as service,
    ):
        token = service.setup.hs_token
        direct = forwarding.Way("directly", behind.url, token)
        through = forwarding.Way("through Medialink", service.setup.internal, token)
        return forwarding.measure(behind, direct, through, service.server, bench.transactions)


def _fill(crowds: list[Crowd], kind: Kind) -> None:
    for crowd in crowds:
        status, body = ask(crowd.urls[0])
        if status != 200 or len(body) != kind.size:
            raise Failure(f"{crowd.name} answered {status} with {len(body)} bytes")
