"""A real Synapse, which knows Medialink and talks to no other host."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import web
from media import SERVER_NAME, Kind, content
from medialink import USER_ID, Setup
from processes import Running, running


@dataclass(frozen=True)
class Synapse:
    """A running Synapse, spoken to as the appservice's user."""

    server: Running
    url: str
    as_token: str

    @property
    def headers(self) -> dict[str, str]:
        """Return the token that opens its media."""
        return {"Authorization": f"Bearer {self.as_token}"}

    def upload(self, kind: Kind) -> str:
        """Upload media; its address."""
        url = f"{self.url}/_matrix/media/v3/upload?user_id={quote(USER_ID)}"
        headers = self.headers | {"Content-Type": kind.content_type}
        answer = web.ask_json(url, headers, "POST", content(kind))
        return str(answer["content_uri"])

    def media_url(self, mxc: str) -> str:
        """Give the address of media, as clients ask for it."""
        path = mxc.removeprefix("mxc://")
        return f"{self.url}/_matrix/client/v1/media/download/{path}?user_id={quote(USER_ID)}"


@contextmanager
def serving(python: Path, folder: Path, port: int, appservice: Setup) -> Iterator[Synapse]:
    """Run Synapse with one appservice, which knows the port already."""
    (folder / "registration.yaml").write_text(appservice.registration())
    # JSON is YAML, too.
    (folder / "homeserver.yaml").write_text(json.dumps(_configuration(folder, port), indent=1))
    command = [str(python), "-m", "synapse.app.homeserver", "--config-path", "homeserver.yaml"]
    with running("synapse", command, folder) as process:
        url = f"http://127.0.0.1:{port}"
        process.wait_until(lambda: web.answers(f"{url}/health"))
        yield Synapse(process, url, appservice.as_token)


def _configuration(folder: Path, port: int) -> dict[str, Any]:
    generous = {"per_second": 100_000, "burst_count": 100_000}
    return {
        "server_name": SERVER_NAME,
        "listeners": [
            {
                "type": "http",
                "port": port,
                "bind_addresses": ["127.0.0.1"],
                "resources": [{"names": ["client"], "compress": False}],
            }
        ],
        "database": {"name": "sqlite3", "args": {"database": str(folder / "homeserver.db")}},
        "media_store_path": str(folder / "media"),
        "pid_file": str(folder / "synapse.pid"),
        "signing_key": f"ed25519 a_1 {_random_base64()}",
        "app_service_config_files": [str(folder / "registration.yaml")],
        "macaroon_secret_key": "not a secret",
        "form_secret": "not a secret",
        "trusted_key_servers": [],
        "suppress_key_server_warning": True,
        "federation_domain_whitelist": [],
        "report_stats": False,
        "enable_authenticated_media": True,
        "url_preview_enabled": False,
        "presence": {"enabled": False},
        "push": {"enabled": False},
        "max_upload_size": "200M",
        "rc_message": generous,
        "rc_media_create": generous,
    }


def _random_base64() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
