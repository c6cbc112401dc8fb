#!/usr/bin/env python3
"""How many bytes a link takes in the database, with its indexes, its usage and its share of a meta event.

    benches/bytes_per_link.py [--links N] [--without-tokens]

It makes a SQLite file with the tables of migrations/sqlite, or, if TEST_POSTGRES_URL names a server
(`tests/with-postgres.sh benches/bytes_per_link.py`), a database there with those of migrations/postgres, fills it
with links as a public bridge has them (each of another medium with a content token, open in SQLite and sealed in
PostgreSQL, in 200 rooms of very different size, 50 media per meta event, each in the state in which the service leaves
it once it is counted), and prints what each table and index holds per link. Homeservers that only know MSC3916 have no
content tokens: --without-tokens leaves them out. What PostgreSQL tells other replicas is forgotten within minutes, and
left out."""

from __future__ import annotations

import argparse
import collections
import os
import pathlib
import random
import secrets
import shutil
import sqlite3
import string
import subprocess
import tempfile
from collections.abc import Iterator

COLUMNS = {
    "matrix_ids": "id, matrix_id",
    "media_references": "id, bridge, room, mxc, content_token, state, pending_at",
    "links": "id, link_id, form, key_id, bridge, media_reference_id, room, event_id, sender, filename, mimetype, size, "
    "issued_at, expires_at, state",
    "meta_events": "id, bridge, room_id, state, event_type, batch, txn_id, device_id, event_id, created_at, "
    "named",
}
NUMBERS = random.Random(1)
MEDIA_OF_EVENT = 50
MIGRATIONS = pathlib.Path(__file__).parent.parent / "migrations"


def word(length: int) -> str:
    """Make a word of the letters of Matrix's IDs."""
    return "".join(NUMBERS.choices(string.ascii_letters + string.digits + "-_", k=length))


def token(kind: str) -> str:
    """Make a content token of 24 letters, as it is stored."""
    if kind == "none":
        return ""
    # Sealed, it has 16 bytes more, is text again, and is marked.
    return "=" + word((24 + 16) * 4 // 3 + 1) if kind == "sealed" else word(24)


def rows(links: int, tokens: str) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Give each row with the name of its table, in an order in which they may be inserted."""
    names = [f"!{word(18)}:example.org" for _ in range(200)] + [f"@{word(10)}:example.org" for _ in range(5000)]
    for number, name in enumerate(names, 1):
        yield "matrix_ids", (number, name)
    weights = [1 / (n + 1) for n in range(200)]
    for event, first in enumerate(range(1, links + 1, MEDIA_OF_EVENT), 1):
        # What is counted together has come within seconds.
        room = NUMBERS.choices(range(1, 201), weights)[0]
        usages = list(range(first, min(first + MEDIA_OF_EVENT, links + 1)))
        for n in usages:
            at = 1_700_000_000_000 + n * 100
            yield "media_references", (n, "irc", room, f"mxc://example.org/{word(24)}",
                                       token(tokens), "pending", at)  # fmt: skip
            yield "links", (n, word(16), "short", 1, "irc", n, room, "$" + word(43), NUMBERS.randint(201, 5200),
                            "image.jpg", "image/jpeg", 123456, at, at + 7 * 86_400_000, "live")  # fmt: skip
        yield "meta_events", (event, "irc", names[room - 1], "sent", "org.matrix.msc3910.link_usage", word(22),
                              word(22), "", "$" + word(43), at, len(usages))  # fmt: skip
        yield "counted", (event, usages)


def counted(event: int, usages: list[int]) -> str:
    """Make the statement by which a meta event counts usages."""
    return (
        f"UPDATE media_references SET state = 'counted', counted_by = {event}, pending_at = NULL "
        f"WHERE id IN ({', '.join(map(str, usages))})"
    )


def in_sqlite(links: int, tokens: str) -> tuple[list[tuple[str, int]], int]:
    """Give the size of each part, and of the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "m.db"
        database = sqlite3.connect(path)
        for migration in sorted((MIGRATIONS / "sqlite").glob("*.sql")):
            database.executescript(migration.read_text())
        database.execute("VACUUM")
        for table, row in rows(links, tokens):
            if table == "counted":
                database.execute(counted(*row))
                continue
            places = ", ".join("?" * len(row))
            database.execute(f"INSERT INTO {table} ({COLUMNS[table]}) VALUES ({places})", row)
        database.commit()
        try:
            sizes = database.execute("SELECT name, SUM(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC").fetchall()
        except sqlite3.OperationalError:
            sizes = []
        database.close()
        return sizes, path.stat().st_size


def in_postgres(links: int, tokens: str, server: str) -> tuple[list[tuple[str, int]], int]:
    """Give the size of each part, and of all."""
    psql = shutil.which("psql") or str(sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/psql"))[-1])
    name = f"bytes_{secrets.token_hex(6)}"

    def run(database: str, text: str) -> str:
        command = [psql, f"{server}/{database}", "-qAtX", "-v", "ON_ERROR_STOP=1", "-f", "-"]
        return subprocess.run(command, input=text, check=True, capture_output=True, text=True).stdout

    run("postgres", f"CREATE DATABASE {name}")
    try:
        for migration in sorted((MIGRATIONS / "postgres").glob("*.sql")):
            run(name, migration.read_text())
        # In pieces, as they come, with what autovacuum does now and then: an index that is filled in order is smaller
        # than one that has grown.
        piece: dict[str, list[str]] = collections.defaultdict(list)
        for n, (table, row) in enumerate(rows(links, tokens), 1):
            if table == "counted":
                piece[table].append(counted(*row) + ";\n")
            else:
                piece[table].append("\t".join("\\N" if value is None else str(value) for value in row))
            if n % 20_000 == 0:
                run(name, texts(piece))
        run(name, texts(piece))
        sizes = run(name, "SELECT relname, pg_relation_size(oid) FROM pg_class WHERE relnamespace = "
                          "'public'::regnamespace AND relname NOT LIKE 'changes%' ORDER BY 2 DESC")  # fmt: skip
        parts = [line.split("|") for line in sizes.splitlines()]
        return [(part, int(size)) for part, size in parts], sum(int(size) for _, size in parts)
    finally:
        run("postgres", f"DROP DATABASE {name}")


def texts(piece: dict[str, list[str]]) -> str:
    """Make the text that stores rows, and forget them."""
    tables = [table for table in COLUMNS if piece[table]]
    copied = [f"COPY {table} ({COLUMNS[table]}) FROM STDIN;\n" + "\n".join(piece[table]) + "\n\\.\n" for table in tables]
    text = "".join([*copied, *piece["counted"], "VACUUM media_references;\n"])
    piece.clear()
    return text


def main() -> None:
    """Measure, and print what each part holds."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--links", type=int, default=100_000)
    arguments.add_argument("--without-tokens", action="store_true")
    asked = arguments.parse_args()
    links = asked.links
    server = os.environ.get("TEST_POSTGRES_URL")
    sizes, total = (
        in_postgres(links, "none" if asked.without_tokens else "sealed", server)
        if server
        else in_sqlite(links, "none" if asked.without_tokens else "open")
    )
    for name, size in sizes:
        if size / links >= 0.5:
            print(f"{size / links:8.1f}  {name}")
    print(f"{total / links:8.1f}  all of it, per link ({links} links)")


if __name__ == "__main__":
    main()
