"""A stand-in for a bridge: reads every request and answers `{}`.

Run as a program, with the port as its only argument, it serves until it is ended. `GET` returns the
counts so far: `{"transactions": …, "bytes": …}`.
"""

from __future__ import annotations

import asyncio
import json
import sys

_ANSWER = b"{}"


class _Received:
    def __init__(self) -> None:
        self.transactions = 0
        self.bytes = 0

    def told(self) -> bytes:
        return json.dumps({"transactions": self.transactions, "bytes": self.bytes}).encode()


class _Connection(asyncio.Protocol):
    """One request after the other; bodies are counted as they come, and not kept."""

    def __init__(self, received: _Received) -> None:
        self._received = received
        self._transport: asyncio.WriteTransport | None = None
        self._head = b""
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._take(data)
            return
        self._head += data
        head, end, body = self._head.partition(b"\r\n\r\n")
        if not end:
            return
        self._head = b""
        if head.startswith(b"GET "):
            self._answer(self._received.told())
            return
        self._missing = _length(head)
        if self._missing < 0:
            self._close()
            return
        self._take(body)

    def _take(self, data: bytes) -> None:
        if len(data) > self._missing:
            # Nobody here sends a request before the last one was answered.
            self._close()
            return
        self._missing -= len(data)
        self._received.bytes += len(data)
        if not self._missing:
            self._received.transactions += 1
            self._answer(_ANSWER)

    def _answer(self, body: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        if self._transport is not None:
            self._transport.write(head.encode() + b"\r\n\r\n" + body)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _length(head: bytes) -> int:
    # -1: none is given.
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return -1


async def _serve(port: int) -> None:
    received = _Received()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(received), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
