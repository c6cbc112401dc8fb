"""The tools of every part: servers in folders of their own, and the times of measurements."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import medialink
import nginx
from media import write_files
from medialink import Medialink
from processes import Failure

# Enough for all media of a part: evictions are not measured.
_CACHE_SIZE = "24GiB"
# About the largest size of caches and of the files of nginx.
_NEEDED_BYTES = 6 << 30


@dataclass
class Bench:
    """The tools and the times of a measurement."""

    folder: Path
    binary: Path
    # Another build, which this one is compared with.
    earlier: Path | None
    synapse_python: Path
    rounds: int
    seconds: int
    first_byte_rounds: int
    # How often the large media is uploaded to Synapse.
    copies: int
    memory_seconds: int
    transactions: int
    _folders: int = field(default=0, init=False)

    @property
    def files(self) -> Path:
        """Give the folder of the upstream's files."""
        return self.folder / "files"

    def prepare(self) -> None:
        """Write the upstream's files."""
        free = shutil.disk_usage(self.folder).free
        if free < _NEEDED_BYTES:
            raise Failure(
                f"{free >> 30} GiB are free in {self.folder.parent}, {_NEEDED_BYTES >> 30} GiB "
                "are needed: name another folder in TMPDIR"
            )
        self.files.mkdir()
        write_files(self.files)

    @contextmanager
    def folder_for(self, name: str) -> Iterator[Path]:
        """Give the path of a new folder, which is removed with all that comes into it."""
        self._folders += 1
        folder = self.folder / f"{name}-{self._folders}"
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder)

    @contextmanager
    def upstream(self) -> Iterator[nginx.Upstream]:
        """Run the fast upstream."""
        with self.folder_for("upstream") as folder:
            with nginx.upstream(folder, self.files) as upstream:
                yield upstream

    @contextmanager
    def nginx_at(self, upstream: nginx.Upstream) -> Iterator[nginx.Nginx]:
        """Run the nginx that is measured."""
        with self.folder_for("nginx") as folder:
            with nginx.under_test(folder, upstream.url) as server:
                yield server

    @contextmanager
    def medialink_at(self, homeserver: str, cached: bool) -> Iterator[Medialink]:
        """Run Medialink, with or without its cache."""
        with self.set_up(homeserver, cached) as setup:
            with medialink.serving(setup) as service:
                yield service

    @contextmanager
    def earlier_at(self, homeserver: str, cached: bool) -> Iterator[Medialink]:
        """Run the other build of Medialink, with or without its cache."""
        if self.earlier is None:
            raise Failure("no other build is named: --earlier")
        with self.folder_for("earlier") as folder:
            setup = medialink.set_up(self.earlier, folder, homeserver, _size(cached))
            with medialink.serving(setup) as service:
                yield service

    @contextmanager
    def medialink_before(self, homeserver: str, bridge: str) -> Iterator[Medialink]:
        """Run Medialink between a homeserver and a bridge."""
        with self.folder_for("medialink") as folder:
            setup = medialink.set_up(self.binary, folder, homeserver, None, forward_to=bridge)
            with medialink.serving(setup) as service:
                yield service

    @contextmanager
    def set_up(self, homeserver: str, cached: bool) -> Iterator[medialink.Setup]:
        """Configure a Medialink."""
        with self.folder_for("medialink") as folder:
            yield medialink.set_up(self.binary, folder, homeserver, _size(cached))


def _size(cached: bool) -> str | None:
    return _CACHE_SIZE if cached else None
