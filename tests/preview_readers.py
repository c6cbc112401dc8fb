"""What readers of link previews find on pages: linkpreview, metadata_parser, PyOEmbed, micawber.

    python tests/preview_readers.py ENDPOINT PAGE...      ENDPOINT: the URL of the oEmbed answers

Writes a JSON list with an object for each page: what each reader has found, and the status and type of the
preview's picture.
"""

import json
import sys

import requests
from linkpreview import link_preview
from metadata_parser import MetadataParser
from micawber.providers import Provider
from pyoembed import oEmbed


def picture(url):
    if not url:
        return None
    answer = requests.get(url, timeout=20)
    return [answer.status_code, answer.headers["content-type"], len(answer.content)]


def read(endpoint, url):
    html = requests.get(url, headers={"Accept": "text/html"}, timeout=20).text
    tags = MetadataParser(html=html, url=url, strategy=["og", "twitter", "meta"])
    metadata = tags.parsed_result.metadata
    preview = link_preview(url, html, parser="lxml")
    discovered = oEmbed(url)
    return {
        "bytes": len(html.encode()),
        "og": metadata["og"],
        "twitter": metadata["twitter"],
        "linkpreview": {
            "title": preview.title,
            "description": preview.description,
            "image": preview.image,
            "site_name": preview.site_name,
        },
        "picture": picture(preview.image),
        "pyoembed": discovered,
        "micawber": Provider(endpoint).request(url),
    }


if __name__ == "__main__":
    json.dump([read(sys.argv[1], url) for url in sys.argv[2:]], sys.stdout)
