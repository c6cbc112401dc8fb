"""HTTP as a client: whole answers, JSON, and the time until the first byte."""

from __future__ import annotations

import http.client
import json
import socket
import time
from typing import Any
from urllib.parse import urlsplit

from processes import Failure

_ANSWER_WITHIN_S = 60.0


def address(url: str) -> tuple[str, int]:
    """Give host and port of a URL."""
    parts = urlsplit(url)
    if parts.hostname is None or parts.port is None:
        raise Failure(f"a URL without host and port: {url}")
    return parts.hostname, parts.port


def ask(
    url: str,
    headers: dict[str, str] | None = None,
    method: str = "GET",
    body: bytes | None = None,
) -> tuple[int, bytes]:
    """Send a request; status and body of the answer."""
    connection = http.client.HTTPConnection(*address(url), timeout=_ANSWER_WITHIN_S)
    try:
        connection.request(method, _target(url), body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as error:
        raise Failure(f"{method} {urlsplit(url).path}: {error!r}") from error
    finally:
        connection.close()


def ask_json(
    url: str, headers: dict[str, str], method: str = "GET", body: bytes | None = None
) -> Any:
    """Send a request that has to succeed; the JSON of its answer."""
    status, answer = ask(url, headers, method, body)
    if status not in (200, 201):
        raise Failure(f"{method} {urlsplit(url).path}: {status} {answer[:300]!r}")
    return json.loads(answer)


def answers(url: str) -> bool:
    """Tell whether there is a 200."""
    try:
        return ask(url)[0] == 200
    except (OSError, Failure):
        return False


def request_head(url: str, headers: dict[str, str]) -> bytes:
    """Give a GET request as it goes over the wire."""
    host, port = address(url)
    lines = [f"GET {_target(url)} HTTP/1.1", f"Host: {host}:{port}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def first_byte_ms(url: str, headers: dict[str, str]) -> float:
    """Measure from the request to the first byte of the body, over a new connection."""
    request = request_head(url, headers)
    with socket.create_connection(address(url), timeout=_ANSWER_WITHIN_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        received = b""
        start = time.perf_counter()
        connection.sendall(request)
        while True:
            piece = connection.recv(64 << 10)
            now = time.perf_counter()
            if not piece:
                raise Failure(f"an answer broke off before its body: {received[:200]!r}")
            received += piece
            head, end, body = received.partition(b"\r\n\r\n")
            if end and body:
                break
    if not head.startswith(b"HTTP/1.1 200") or b"transfer-encoding" in head.lower():
        raise Failure(f"another answer than a 200 with a length: {head[:200]!r}")
    return (now - start) * 1000


def _target(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
