#!/usr/bin/env python3
"""Reads a Matrix event, and prints the line for the other side of the bridge.

    API_TOKEN_FILE=/etc/bridge/api-token python3 announce.py < event.json

API_TOKEN_FILE names the file with the bridge's `api_token`; without it, API_TOKEN holds it.
API_URL is Medialink's internal listener, http://127.0.0.1:8481 if it is not given.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ATTEMPTS = 5
TIMEOUT_S = 40
LONGEST_WAIT_S = 60


class ApiError(Exception):
    """Medialink's answer, if it is none that another attempt would change."""


def link_event(url: str, token: str, event: dict) -> dict:
    """Has the media of an event linked. Asking again is safe: it gives the same links."""
    request = urllib.request.Request(
        f"{url}/v1/events",
        data=json.dumps({"event": event}).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    for attempt in range(ATTEMPTS):
        told = None
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            problem, told = read_error(error)
            if error.code != 429 and error.code < 500:
                raise ApiError(problem) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            problem = f"no answer from {url}: {error}"
        # Half of it by chance, so that many bridges do not come back all at once.
        wait = told if told is not None else 2**attempt * random.uniform(0.25, 0.5)
        if attempt + 1 == ATTEMPTS or wait > LONGEST_WAIT_S:
            break
        time.sleep(wait)
    raise ApiError(problem)


def read_error(error: urllib.error.HTTPError) -> tuple[str, float | None]:
    """What went wrong, and for how long to wait, in seconds, if the answer says it."""
    try:
        body = json.load(error)
        problem = f"{error.code} {body['errcode']}: {body['error']}"
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        # Of a proxy between, for instance.
        return f"{error.code} {error.reason}", retry_after(error)
    if isinstance(body.get("retry_after_ms"), int):
        return problem, body["retry_after_ms"] / 1000
    return problem, retry_after(error)


def retry_after(error: urllib.error.HTTPError) -> float | None:
    """The header of this name, where it is a number of seconds."""
    value = error.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else None


def api_token() -> str:
    """From a file or the environment: arguments are in the list of processes, for all to see."""
    if path := os.environ.get("API_TOKEN_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    return os.environ["API_TOKEN"]


def main() -> None:
    url = os.environ.get("API_URL", "http://127.0.0.1:8481")
    answer = link_event(url, api_token(), json.load(sys.stdin))
    for media in answer["links"]:
        if error := media.get("error"):
            print(f"{media['path']}: {error['errcode']}: {error['error']}", file=sys.stderr)
    # A bridge sends it where it sends its messages. It is empty if the event says nothing.
    if answer["text"]:
        print(answer["text"])


if __name__ == "__main__":
    try:
        main()
    except (ApiError, OSError, ValueError) as error:
        sys.exit(f"announce: {error}")
    except KeyError as error:
        sys.exit(f"announce: {error} is missing")
