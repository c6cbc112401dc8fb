"""nginx: as the fast upstream, and as the rival of Medialink."""

from __future__ import annotations

import base64
import grp
import hashlib
import os
import pwd
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import web
from media import KINDS, SERVER_NAME, Kind
from processes import Running, free_port, running

_SECRET = "not-a-secret"
_ACCESS_TOKEN = "not-a-token"
_DOWNLOAD = "/_matrix/client/v1/media/download"
WORKERS = 2

# The headers that Medialink sends with all media.
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; "
        "style-src 'unsafe-inline'; media-src 'self'; object-src 'self';"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "public, max-age=3600",
}


@dataclass(frozen=True)
class Upstream:
    """A homeserver's media, as static files."""

    server: Running
    url: str

    def media_url(self, media_id: str) -> str:
        """Give the address of media, as clients ask a homeserver for it."""
        return f"{self.url}{_DOWNLOAD}/{SERVER_NAME}/{media_id}"


@dataclass(frozen=True)
class Nginx:
    """An nginx that checks signed links and hands them on, without and with a cache."""

    server: Running
    uncached: str
    cached: str

    def link(self, base: str, media_id: str) -> str:
        """Sign a link for a day."""
        path, expires = f"/m/{media_id}", int(time.time()) + 86400
        digest = hashlib.md5(f"{expires}{path} {_SECRET}".encode()).digest()
        signature = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        return f"{base}{path}?md5={signature}&expires={expires}"


@contextmanager
def upstream(folder: Path, files: Path) -> Iterator[Upstream]:
    """Run the upstream."""
    port = free_port()
    locations = "".join(_media_location(kind, files) for kind in KINDS)
    server = f"""
    server {{
        listen 127.0.0.1:{port};
        access_log off;
        etag off;
        max_ranges 0;
        location = /_matrix/client/versions {{
            default_type application/json;
            return 200 '{{"versions": ["v1.11"]}}';
        }}{locations}
    }}"""
    with _nginx("upstream", folder, _main(folder, 1, server)) as process:
        url = f"http://127.0.0.1:{port}"
        process.wait_until(lambda: web.answers(f"{url}/_matrix/client/versions"))
        yield Upstream(process, url)


@contextmanager
def under_test(folder: Path, upstream_url: str) -> Iterator[Nginx]:
    """Run what is measured."""
    uncached, cached = free_port(), free_port()
    host, port = web.address(upstream_url)
    cache = """
            proxy_cache media;
            proxy_cache_key $uri;
            proxy_cache_valid 200 1h;
            proxy_cache_lock on;"""
    servers = f"""
    access_log access.log;
    proxy_cache_path cache levels=1:2 keys_zone=media:10m max_size=24g inactive=1h
                     use_temp_path=off;
    upstream homeserver {{
        server {host}:{port};
        keepalive 128;
        keepalive_requests 1000000;
    }}{_server(uncached, "")}{_server(cached, cache)}"""
    with _nginx("nginx", folder, _main(folder, WORKERS, servers)) as process:
        nginx = Nginx(process, f"http://127.0.0.1:{uncached}", f"http://127.0.0.1:{cached}")
        probe = nginx.link(nginx.uncached, KINDS[0].media_id(0))
        process.wait_until(lambda: web.answers(probe) and len(process.family()) > WORKERS)
        yield nginx


def _main(folder: Path, workers: int, servers: str) -> str:
    return f"""
daemon off;
worker_processes {workers};
pid nginx.pid;
error_log error.log warn;
{_user()}
events {{ worker_connections 4096; }}
http {{
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    types {{ }}
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    {servers}
}}
"""


def _user() -> str:
    # Started as root, the workers would become somebody who may not read the folder.
    if os.geteuid() != 0:
        return ""
    user = pwd.getpwuid(0)
    return f"user {user.pw_name} {grp.getgrgid(user.pw_gid).gr_name};"


def _media_location(kind: Kind, files: Path) -> str:
    return f"""
        location ~ ^{_DOWNLOAD}/[^/]+/{kind.name}- {{
            alias {kind.file(files)};
            default_type {kind.content_type};
            limit_rate {kind.rate};
        }}"""


def _server(port: int, cache: str) -> str:
    lines = [f'add_header {name} "{value}";' for name, value in _HEADERS.items()]
    headers = "\n            ".join(lines)
    return f"""
    server {{
        listen 127.0.0.1:{port};
        location /m/ {{
            secure_link $arg_md5,$arg_expires;
            secure_link_md5 "$secure_link_expires$uri {_SECRET}";
            if ($secure_link = "") {{ return 403; }}
            if ($secure_link = "0") {{ return 410; }}
            proxy_pass http://homeserver{_DOWNLOAD}/{SERVER_NAME}/;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Authorization "Bearer {_ACCESS_TOKEN}";
            {headers}{cache}
        }}
    }}"""


@contextmanager
def _nginx(name: str, folder: Path, text: str) -> Iterator[Running]:
    configuration = folder / "nginx.conf"
    configuration.write_text(text)
    errors = str(folder / "error.log")
    command = ["nginx", "-p", str(folder), "-c", str(configuration), "-e", errors]
    with running(name, command, folder) as process:
        yield process
