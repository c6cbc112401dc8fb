"""The programs around a measurement: a homeserver, the services, and what they have used."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from processes import Failure, Running, environment, free_port, running


@dataclass(frozen=True)
class Programs:
    """The programs that are measured, and that measure."""

    medialink: Path
    load: Path


@dataclass
class Homeserver:
    """The homeserver of `medialink-load`."""

    server: Running
    url: str

    def asked(self) -> dict[str, int]:
        """Give how often it was asked for what."""
        with urllib.request.urlopen(f"{self.url}/asked", timeout=10) as answer:
            return json.load(answer)


@dataclass
class Service:
    """A running service."""

    server: Running
    public: str
    internal: str
    ready_after_s: float

    def cpu_s(self) -> float:
        """Give the processor time of all of its threads so far, user and system, also of those that have ended."""
        # The number of the clock that clock_getcpuclockid(3) gives for a process.
        return time.clock_gettime((~self._pid() << 3) | 2)

    def memory_mib(self) -> float:
        """Give its resident memory."""
        lines = Path(f"/proc/{self._pid()}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))

    def metric(self, name: str) -> float:
        """Give the sum of a metric over its labels."""
        with urllib.request.urlopen(f"{self.internal}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        named = [line.rpartition(" ") for line in lines if line.startswith((f"{name} ", f"{name}{{"))]
        return sum(float(value) for _, _, value in named)

    def _pid(self) -> int:
        return self.server.family()[0]


class Place:
    """A folder with the configuration of services that share a database."""

    def __init__(self, programs: Programs, folder: Path, database: str) -> None:
        """Take an empty folder and the URL of a database."""
        self.programs, self.folder, self.database = programs, folder, database
        self.tokens = {name: secrets.token_hex(32) for name in ("api_token", "as_token", "hs_token")}
        self.key_file = folder / "data/link-keys.yaml"
        self.links = folder / "links.tsv"
        root = folder / "root-secret"
        if not root.exists():
            root.write_text(secrets.token_urlsafe(32) + "\n")
            root.chmod(0o600)

    @contextmanager
    def homeserver(self) -> Iterator[Homeserver]:
        """Run a homeserver."""
        port = free_port()
        folder = self.folder / "homeserver"
        folder.mkdir(exist_ok=True)
        command = [str(self.programs.load), "homeserver", "--listen", f"127.0.0.1:{port}"]
        with running("the homeserver", command, folder) as server:
            url = f"http://127.0.0.1:{port}"
            server.wait_until(lambda: _answers(f"{url}/asked"))
            yield Homeserver(server, url)

    @contextmanager
    def services(self, homeserver: str, count: int = 1, cache: bool = False) -> Iterator[list[Service]]:
        """Run so many services, one after the other."""
        with ExitStack() as stack:
            yield [stack.enter_context(self._service(homeserver, number, cache)) for number in range(count)]

    @contextmanager
    def _service(self, homeserver: str, number: int, cache: bool) -> Iterator[Service]:
        public, internal = (f"127.0.0.1:{free_port()}" for _ in range(2))
        kept = f"{{dir: data/cache{number}}}" if cache else "null"
        tokens = ", ".join(f"{name}: {value}" for name, value in self.tokens.items())
        config = self.folder / f"replica{number}.yaml"
        config.write_text(
            f"listen: {{public: '{public}', internal: '{internal}'}}\n"
            f"public_url: https://media.example.org\n"
            f"database: {self.database}\nkey_file: {self.key_file}\n{self._root_secret()}"
            f"homeserver: {{url: '{homeserver}', server_name: example.org}}\n"
            f"bridges:\n  - {{id: irc, {tokens}, user_id: '@medialink:example.org'}}\n"
            f"media: {{cache: {kept}}}\nusage: {{mode: always}}\n"
        )
        config.chmod(0o600)
        folder = self.folder / f"replica{number}"
        folder.mkdir(exist_ok=True)
        began = time.monotonic()
        command = [str(self.programs.medialink), "--config", str(config), "serve"]
        with running("Medialink", command, folder) as server:
            server.wait_until(lambda: _answers(f"http://{internal}/ready"))
            took = time.monotonic() - began
            yield Service(server, f"http://{public}", f"http://{internal}", took)

    def _root_secret(self) -> str:
        """Name the root secret, for versions that have one."""
        example = Path(__file__).resolve().parents[2] / "bridge.example.yaml"
        return "root_secret_file: root-secret\n" if "root_secret_file" in example.read_text() else ""

    def settle(self, homeserver: Homeserver, service: Service, within_s: float = 900) -> dict[str, int]:
        """Wait until the newest usages are settled and nothing is sent any more; give what the homeserver was asked."""
        deadline = time.monotonic() + within_s
        before = homeserver.asked()
        while time.monotonic() < deadline:
            time.sleep(4)
            now = homeserver.asked()
            is_quiet = all(now.get(kind) == before.get(kind) for kind in ("send", "redact", "state"))
            if is_quiet and not self._waits(service):
                return now
            before = now
        raise Failure("meta events wait without an end")

    def _waits(self, service: Service) -> bool:
        """Say whether one of the newest usages waits for its meta event."""
        url = f"{service.internal}/v1/links?limit=1000"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self.tokens['api_token']}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return any(link["usage"]["state"] == "pending" for link in json.load(answer)["links"])

    def load(self, command: str, *arguments: object) -> dict:
        """Run a command of `medialink-load` to its end, and give what it tells."""
        words = [str(self.programs.load), command, *map(str, arguments)]
        ended = subprocess.run(words, capture_output=True, text=True, timeout=7200, env=environment())
        if ended.returncode:
            raise Failure(f"{command}: {ended.stderr}")
        return json.loads(ended.stdout)

    def follow(self, services: list[Service], copies: int, *more: object) -> dict:
        """Follow links; all have to be served."""
        public = ",".join(service.public for service in services)
        told = self.load(
            "follow", "--public", public, "--links", self.links, "--copies", copies, "--key-file", self.key_file, *more
        )
        if set(told["statuses"]) != {"200"}:
            raise Failure(f"follows were answered by {told['statuses']}")
        return told


class PostgresUse:
    """The processor time of a PostgreSQL server."""

    def __init__(self, backend: int) -> None:
        """Take the process ID of one of its sessions."""
        self.server = int(_stat(backend)[1])

    def cpu_s(self) -> float:
        """Give the time of all of its processes, also of those that have ended."""
        ticks = sum(int(field) for field in _stat(self.server)[11:15])
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields = _stat(int(entry.name))
                except OSError:
                    continue
                if int(fields[1]) == self.server:
                    ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """Give the fields after the name of the program; the first is the state."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except (OSError, urllib.error.HTTPError):
        return False
