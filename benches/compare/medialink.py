"""Medialink: configured, started, and asked for links."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import web
from media import SERVER_NAME
from processes import Failure, Running, environment, free_port, running

USER_ID = f"@medialink:{SERVER_NAME}"
_MAX_BATCH = 1000


@dataclass(frozen=True)
class Setup:
    """A configuration that is written down, and what of it others need."""

    binary: Path
    folder: Path
    public: str
    internal: str
    api_token: str
    as_token: str
    hs_token: str

    @property
    def file(self) -> Path:
        """Give the file of the configuration."""
        return self.folder / "bridge.yaml"

    def registration(self) -> str:
        """Give the registration for the homeserver."""
        command = [str(self.binary), "--config", str(self.file), "registration"]
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=30, env=environment()
        )
        if ended.returncode != 0:
            raise Failure(f"no registration: {ended.stderr}")
        return ended.stdout


@dataclass(frozen=True)
class Medialink:
    """A running service."""

    server: Running
    setup: Setup

    def links(self, mxcs: list[str], content_tokens: list[str] | None = None) -> list[str]:
        """Issue a link for each address, with a content token each where there are some."""
        tokens: list[str] | list[None] = content_tokens or [None] * len(mxcs)
        orders = [
            {"mxc": mxc, "room_id": f"!room:{SERVER_NAME}"}
            | ({"content_token": token} if token else {})
            for mxc, token in zip(mxcs, tokens, strict=True)
        ]
        urls = []
        for start in range(0, len(orders), _MAX_BATCH):
            body = json.dumps({"links": orders[start : start + _MAX_BATCH]}).encode()
            answer = web.ask_json(
                f"{self.setup.internal}/v1/links/batch",
                {
                    "Authorization": f"Bearer {self.setup.api_token}",
                    "Content-Type": "application/json",
                },
                "POST",
                body,
            )
            urls += [_url(link) for link in answer["results"]]
        return urls

    def link(self, mxc: str) -> str:
        """Issue one link."""
        return self.links([mxc])[0]


def set_up(
    binary: Path,
    folder: Path,
    homeserver: str,
    cache_size: str | None,
    forward_to: str | None = None,
) -> Setup:
    """Write a configuration down; no size: without a cache. A bridge may be behind it."""
    setup = Setup(
        binary=binary,
        folder=folder,
        public=f"http://127.0.0.1:{free_port()}",
        internal=f"http://127.0.0.1:{free_port()}",
        api_token=secrets.token_hex(32),
        as_token=secrets.token_hex(32),
        hs_token=secrets.token_hex(32),
    )
    cache = "null" if cache_size is None else f"{{dir: data/cache, max_size: {cache_size}}}"
    forward = "" if forward_to is None else f"    forward_to: '{forward_to}'\n"
    setup.file.write_text(f"""\
listen: {{public: '{setup.public[7:]}', internal: '{setup.internal[7:]}'}}
public_url: {setup.public}
database: sqlite:data/medialink.db
key_file: data/link-keys.yaml
homeserver: {{url: '{homeserver}', server_name: {SERVER_NAME}}}
bridges:
  - id: irc
    api_token: {setup.api_token}
    as_token: {setup.as_token}
    hs_token: {setup.hs_token}
    user_id: '{USER_ID}'
{forward}media: {{max_size: 128MiB, cache: {cache}}}
usage: {{mode: never, touch: never}}
""")
    setup.file.chmod(0o600)
    return setup


@contextmanager
def serving(setup: Setup) -> Iterator[Medialink]:
    """Run the service."""
    command = [str(setup.binary), "--config", str(setup.file), "serve"]
    with running("medialink", command, setup.folder) as process:
        process.wait_until(lambda: web.answers(f"{setup.internal}/ready"))
        yield Medialink(process, setup)


def forged(link: str) -> str:
    """Change one character in the middle of a link's token."""
    start, token = link.split("/m/")
    middle = len(token) // 2
    other = "A" if token[middle] != "A" else "B"
    return f"{start}/m/{token[:middle]}{other}{token[middle + 1:]}"


def _url(link: dict[str, str]) -> str:
    if "url" not in link:
        raise Failure(f"no link: {link}")
    return link["url"]
