"""What is measured: databases of different sizes, issuing, and a day."""

from __future__ import annotations

import os
import secrets
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import copies
from services import Homeserver, Place, PostgresUse, Programs, Service

FOLLOWS = 6_000
ROUNDS = 3


@dataclass
class Engine:
    """A database, the folder of its services, and how to look into it."""

    place: Place
    postgres: str | None

    @property
    def name(self) -> str:
        """Name it for people."""
        return "PostgreSQL" if self.postgres else "SQLite"

    def open(self) -> copies.Sqlite | copies.Postgres:
        """Open the database beside the services."""
        if self.postgres:
            return copies.Postgres(self.postgres)
        return copies.Sqlite(self.place.folder / "data/medialink.db")

    def size(self) -> int:
        """Give the bytes of the database; no service may have it open."""
        database = self.open()
        size = database.size()
        if not self.postgres:
            database.database.close()
        return size

    def server_cpu_s(self) -> float:
        """Give the processor time of the server of the database so far."""
        if not self.postgres:
            return 0.0
        backend = copies.Postgres(self.postgres)
        # The session itself has ended meanwhile; its parent has not.
        pid = int(backend.run("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")[0][0])
        return PostgresUse(pid).cpu_s()


@contextmanager
def engine(programs: Programs, on_postgres: bool) -> Iterator[Engine]:
    """Make an empty database, and take it away at the end."""
    server = os.environ.get("TEST_POSTGRES_URL")
    with tempfile.TemporaryDirectory(prefix="scaling.") as folder:
        if not on_postgres:
            yield Engine(Place(programs, Path(folder), "sqlite:data/medialink.db"), None)
            return
        name = f"scaling_{secrets.token_hex(6)}"
        admin = [copies.psql(), f"{server}/postgres", "-qc"]
        subprocess.run([*admin, f"CREATE DATABASE {name}"], check=True)
        try:
            url = f"{server}/{name}"
            yield Engine(Place(programs, Path(folder), url), url)
        finally:
            subprocess.run([*admin, f"DROP DATABASE {name} WITH (FORCE)"], check=True)


def say(text: str) -> None:
    """Tell how far it is."""
    print(text, file=sys.stderr, flush=True)


def fill(at: Engine, first: int, links: int) -> dict:
    """Fill a database through the API."""
    place = at.place
    with place.homeserver() as homeserver, place.services(homeserver.url) as (service,):
        told = place.load(
            "fill", "--internal", service.internal, "--token", place.tokens["api_token"],
            "--first", first, "--links", links, "--out", place.links,
        )  # fmt: skip
        place.settle(homeserver, service)
    return told


def followed(at: Engine, homeserver: Homeserver, count: int, cache: bool, *which: object) -> dict:
    """Follow links of a service that has just started."""
    place = at.place
    with place.services(homeserver.url, cache=cache) as (service,):
        ready = service.ready_after_s
        if which[1] == "few":
            # They are remembered from now on.
            place.follow([service], count, *which, "--follows", 400)
        cpu, server, lookups = service.cpu_s(), at.server_cpu_s(), service.metric("medialink_link_lookups_total")
        told = place.follow([service], count, *which, "--follows", FOLLOWS)
        return {
            "cpu_us": (service.cpu_s() - cpu) / FOLLOWS * 1e6,
            "server_us": (at.server_cpu_s() - server) / FOLLOWS * 1e6,
            "lookups": (service.metric("medialink_link_lookups_total") - lookups) / FOLLOWS,
            "p50_ms": told["p50_ms"], "p99_ms": told["p99_ms"], "per_second": told["per_second"],
            "ready_s": ready, "rss_mib": service.memory_mib(),
        }  # fmt: skip


def follows(at: Engine, count: int) -> dict[str, dict]:
    """Follow links that are not remembered, that are, and that are cached as well."""
    ways = {
        "not remembered": (False, "--which", "each"),
        "remembered": (False, "--which", "few"),
        "cached": (True, "--which", "few"),
    }
    found: dict[str, list[dict]] = {name: [] for name in ways}
    with at.place.homeserver() as homeserver:
        for number in range(ROUNDS):
            for name, (cache, *which) in ways.items():
                found[name].append(followed(at, homeserver, count, cache, *which, "--seed", number + 1))
    return {name: _middle(rounds) for name, rounds in found.items()}


def _middle(rounds: list[dict]) -> dict:
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


def sizes(at: Engine, wanted: list[int], most_by_api: int, is_followed: bool) -> Iterator[dict]:
    """Fill a database step by step, and follow its links after each."""
    links, made, base = 0, 0, min(most_by_api, wanted[-1])
    for size in wanted:
        rate = None
        if links < base:
            say(f"{at.name}: filling up to {min(size, base)} links through the API")
            rate = fill(at, links, min(size, base))["links_per_second"]
        if size > base:
            say(f"{at.name}: multiplying up to {size} links")
            database = at.open()
            copies.multiply(database, made + 1, size // base - 1)
            made = size // base - 1
            database.close()
            rate = None
        links = size
        told = {"links": size, "bytes_per_link": at.size() / size, "by_api": rate}
        if is_followed:
            say(f"{at.name}: following links of {size}")
            told["follows"] = follows(at, made + 1)
        yield told


def issuing(programs: Programs, on_postgres: bool, seconds: float) -> dict[str, dict]:
    """Issue links, in a new database each time."""
    loads = {
        "batches of 100, 4 callers": ("--batch", 100, "--connections", 4, "--rooms", 20),
        "singly, 64 callers": ("--batch", 1, "--connections", 64, "--rooms", 20),
        "batches of 100, homeserver away": ("--batch", 100, "--connections", 4, "--rooms", 20),
        "batches of 100, each link in a room of its own": ("--batch", 100, "--connections", 4, "--rooms", 0),
    }
    found = {}
    for name, load in loads.items():
        say(f"issuing on {'PostgreSQL' if on_postgres else 'SQLite'}: {name}")
        with engine(programs, on_postgres) as at, at.place.homeserver() as homeserver:
            found[name] = _issued(at, homeserver, "away" in name, seconds, load)
    return found


def _issued(at: Engine, homeserver: Homeserver, is_away: bool, seconds: float, load: tuple) -> dict:
    place = at.place
    with place.services(homeserver.url) as (service,):
        command = ["issue", "--internal", service.internal, "--token", place.tokens["api_token"], *load]
        # The first run asks for the policies of the rooms.
        place.load(*command, "--seconds", 1)
        asked = place.settle(homeserver, service)
        if is_away:
            homeserver.server.stop()
        cpu, server = service.cpu_s(), at.server_cpu_s()
        told = place.load(*command, "--seconds", seconds, "--first", 10**9)
        links = told["links"]
        at_once = (service.cpu_s() - cpu, at.server_cpu_s() - server)
        calls = None
        if not is_away:
            later = place.settle(homeserver, service)
            calls = {kind: later.get(kind, 0) - asked.get(kind, 0) for kind in later}
        return {
            "links_per_second": told["links_per_second"], "p50_ms": told["requests"]["p50_ms"],
            "p99_ms": told["requests"]["p99_ms"], "cpu_us": at_once[0] / links * 1e6,
            "server_us": at_once[1] / links * 1e6, "cpu_with_events_us": (service.cpu_s() - cpu) / links * 1e6,
            "statuses": told["requests"]["statuses"], "rss_mib": service.memory_mib(),
            "calls_per_1000": _calls(calls) / links * 1000 if calls else None, "calls": calls,
        }  # fmt: skip


def day(at: Engine, count: int, replicas: int, seconds: float, seed: int, size: list[object]) -> dict:
    """Play a day."""
    place = at.place
    say(f"{at.name}: a day with {replicas} replica(s)")
    with place.homeserver() as homeserver, place.services(homeserver.url, replicas, cache=True) as services:
        asked, server = place.settle(homeserver, services[0]), at.server_cpu_s()
        cpu = [service.cpu_s() for service in services]
        lookups = _sum(services, "medialink_link_lookups_total")
        told = place.load(
            "day", "--public", ",".join(one.public for one in services),
            "--internal", ",".join(one.internal for one in services),
            "--token", place.tokens["api_token"], "--hs-token", place.tokens["hs_token"], "--links", place.links,
            "--copies", count, "--key-file", place.key_file, "--seconds", seconds, "--seed", seed, *size,
        )  # fmt: skip
        used = [service.cpu_s() - before for service, before in zip(services, cpu, strict=True)]
        later = place.settle(homeserver, services[0])
        kinds = told["kinds"]
        follows = sum(kinds.get(kind, {"count": 0})["count"] for kind in ("follow a new link", "follow an old link", "crawl"))
        issued = kinds["issue"]["count"]
        calls = {kind: later.get(kind, 0) - asked.get(kind, 0) for kind in later}
        return {
            **told, "replicas": replicas, "issued": issued, "follows": follows,
            "cpu_s": used, "server_cpu_s": at.server_cpu_s() - server, "calls": calls,
            "calls_per_1000": _calls(calls) / issued * 1000,
            "downloads_per_follow": calls.get("download", 0) / follows,
            "lookups_per_follow": (_sum(services, "medialink_link_lookups_total") - lookups) / follows,
            "rss_mib": [service.memory_mib() for service in services],
        }  # fmt: skip


def _calls(calls: dict[str, int]) -> int:
    """Count what links cost a homeserver: not what follows do, nor touches, which come at their own rate."""
    return sum(count for kind, count in calls.items() if kind not in ("download", "touch"))


def _sum(services: list[Service], name: str) -> float:
    return sum(service.metric(name) for service in services)
