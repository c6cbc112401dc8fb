"""Makes links with the real code of heisenbridge.

Reads a JSON object: media_key, media_path (null: its default), media_url, and links: [{mxc,
filename}]. Writes {"urls": [...]}.
"""

import json
import sys

from heisenbridge.__main__ import BridgeAppService
from mautrix.api import HTTPAPI

asked = json.load(sys.stdin)
# Without its start, which needs a homeserver: only what its links are made of.
service = BridgeAppService.__new__(BridgeAppService)
service.api = HTTPAPI
service.media_key = asked["media_key"].encode("utf-8")
service.media_path = asked["media_path"] or BridgeAppService.DEFAULT_MEDIA_PATH
service.media_endpoint = asked["media_url"]
urls = [service.mxc_to_url(link["mxc"], link["filename"]) for link in asked["links"]]
json.dump({"urls": urls}, sys.stdout)
