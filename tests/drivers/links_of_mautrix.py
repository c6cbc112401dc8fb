"""Makes links as `public_media` of mautrix bridges does, which are no package of npm or PyPI.

Reads a JSON object: signing_key, hash_length, path, public_url, and links: [{mxc, filename, expiry}],
expiry in seconds since the epoch (null: none). Writes {"urls": [...]}.
"""

import base64
import hashlib
import hmac
import json
import sys
from urllib.parse import quote

asked = json.load(sys.stdin)


def url(link):
    expiry = b"" if link["expiry"] is None else link["expiry"].to_bytes(8, "big")
    message = link["mxc"].encode() + expiry
    mac = hmac.new(asked["signing_key"].encode(), message, hashlib.sha256).digest()
    checksum = base64.urlsafe_b64encode(expiry + mac[: asked["hash_length"]])
    media = link["mxc"].removeprefix("mxc://")
    name = "/" + quote(link["filename"], safe="") if link["filename"] else ""
    return f"{asked['public_url']}{asked['path']}/{media}/{checksum.decode().rstrip('=')}{name}"


json.dump({"urls": [url(link) for link in asked["links"]]}, sys.stdout)
