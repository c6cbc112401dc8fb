"""Checks that every link in the pages of a site leads to a file and a place in it, and that no page loads anything from
elsewhere.

    python3 docs/site_links.py DIRECTORY
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links of a page, what it loads, and the places in it that can be linked to."""

    def __init__(self, path):
        super().__init__()
        self.links, self.loaded, self.places = set(), set(), set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("id", "name"):
                self.places.add(value)
            elif name == "src" or (name == "href" and tag == "link"):
                self.loaded.add(value or "")
            elif name == "href":
                self.links.add(value or "")


def main(root):
    pages = {path: Page(path) for path in sorted(root.rglob("*.html"))}
    problems = []
    for path, page in pages.items():
        for target in sorted(page.links | page.loaded):
            url = urlsplit(target)
            if url.scheme or url.netloc:
                if target in page.loaded and url.scheme != "data":
                    problems.append(f"{path}: loads {target}")
                continue
            file = (path.parent / unquote(url.path)).resolve() if url.path else path
            if not file.is_relative_to(root) or not file.is_file():
                problems.append(f"{path}: {target}: there is no such file")
            elif url.fragment and file in pages and unquote(url.fragment) not in pages[file].places:
                problems.append(f"{path}: {target}: there is no such place")
    for problem in problems:
        print(problem)
    print(f"{len(pages)} pages, {sum(len(page.links) for page in pages.values())} links, {len(problems)} broken")
    return 1 if problems or len(pages) < 20 else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
