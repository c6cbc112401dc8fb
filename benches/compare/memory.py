"""Memory under many slow readers."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass

from measure import rss_mib
from processes import Running
from web import address, request_head

READERS = 200
_TICK_S = 0.125
# With the tick, 64 KiB a second.
_PIECE_BYTES = 8 << 10
_RECEIVE_BUFFER_BYTES = 32 << 10


@dataclass(frozen=True)
class Crowd:
    """The readers of one server: the link of each."""

    name: str
    server: Running
    urls: list[str]


@dataclass(frozen=True)
class Memory:
    """Resident memory before and at most, in MiB."""

    case: str
    name: str
    before: float
    peak: float
    # Readers whose media came and did not break off.
    served: int
    readers: int


class _Reader:
    """Reads a little at every tick."""

    def __init__(self, url: str) -> None:
        self.is_served = False
        self._is_over = False
        self._head = b""
        self._socket = socket.socket()
        # A large buffer of ours would hide the buffers of the server.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        self._socket.connect(address(url))
        self._socket.sendall(request_head(url, {}))
        self._socket.setblocking(False)

    def read(self) -> None:
        if self._is_over:
            return
        try:
            piece = self._socket.recv(_PIECE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not self._head:
            self._head = piece[:64]
        self._is_over = not piece
        self.is_served = bool(piece) and self._head.startswith(b"HTTP/1.1 200")

    def close(self) -> None:
        self._socket.close()


def measure(case: str, crowds: list[Crowd], seconds: float) -> list[Memory]:
    """Have all crowds read at the same time: memory, unlike time, is not shared."""
    before = [_resident(crowd) for crowd in crowds]
    peaks = list(before)
    readers: list[list[_Reader]] = [[] for _ in crowds]
    try:
        for crowd, mine in zip(crowds, readers, strict=True):
            for url in crowd.urls:
                mine.append(_Reader(url))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            tick = time.monotonic() + _TICK_S
            for reader in (reader for mine in readers for reader in mine):
                reader.read()
            peaks = [max(peak, _resident(crowd)) for peak, crowd in zip(peaks, crowds, strict=True)]
            time.sleep(max(0.0, tick - time.monotonic()))
    finally:
        for reader in (reader for mine in readers for reader in mine):
            reader.close()
    return [
        Memory(case, crowd.name, then, peak, sum(one.is_served for one in mine), len(mine))
        for crowd, then, peak, mine in zip(crowds, before, peaks, readers, strict=True)
    ]


def _resident(crowd: Crowd) -> float:
    return rss_mib(crowd.server.family())
