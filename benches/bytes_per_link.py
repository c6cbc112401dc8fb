#!/usr/bin/env python3
"""How many bytes a link takes in a SQLite file, with its indexes, its usage and its share of a meta event.

    benches/bytes_per_link.py [--links N] [--up-to MIGRATION]

It makes a file with the tables of migrations/sqlite, up to a migration if one is given, fills it with links as a
public bridge has them (each of another medium, in 200 rooms of very different size, 50 media per meta event), and
prints what each table and index holds per link."""

import argparse, collections, pathlib, random, sqlite3, string, tempfile

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--links", type=int, default=100_000, help="at most 1,000,000")
parser.add_argument("--up-to", type=int, default=9999)
asked = parser.parse_args()
links = min(asked.links, 1_000_000)
numbers = random.Random(1)
letters = string.ascii_letters + string.digits + "-_"


def word(length):
    return "".join(numbers.choices(letters, k=length))


with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "m.db"
    database = sqlite3.connect(path)
    migrations = pathlib.Path(__file__).parent.parent / "migrations/sqlite"
    for migration in sorted(migrations.glob("*.sql")):
        if int(migration.name[:4]) <= asked.up_to:
            database.executescript(migration.read_text())
    rooms = [f"!{word(18)}:example.org" for _ in range(200)]
    weights = [1 / (n + 1) for n in range(200)]
    senders = [f"@{word(10)}:example.org" for _ in range(5000)]
    waiting = collections.defaultdict(list)
    for n in range(1, links + 1):
        room = numbers.choices(rooms, weights)[0]
        mxc = f"mxc://example.org/{word(24)}"
        at = 1_700_000_000_000 + n * 100
        database.execute(
            "INSERT INTO media_references (id, bridge, room_id, mxc, state) VALUES (?, 'irc', ?, ?, 'counted')",
            (n, room, mxc),
        )
        database.execute(
            "INSERT INTO links (link_id, form, key_id, bridge, media_reference_id, room_id, event_id, sender, mxc,"
            " filename, mimetype, size, issued_at, expires_at, state)"
            " VALUES (?, 'short', 1, 'irc', ?, ?, ?, ?, ?, 'image.jpg', 'image/jpeg', 123456, ?, ?, 'live')",
            (word(16), n, room, "$" + word(43), numbers.choice(senders), mxc, at, at + 7 * 86_400_000),
        )
        waiting[room].append((n, mxc))
        if len(waiting[room]) == 50:
            members = waiting.pop(room)
            event = database.execute(
                "INSERT INTO meta_events (bridge, room_id, state, event_type, content, batch, txn_id, device_id,"
                " event_id, created_at) VALUES ('irc', ?, 'sent', 'org.example.usage', ?, ?, ?, '', ?, ?)",
                (room, "".join(mxc for _, mxc in members), word(22), word(22), "$" + word(43), at),
            ).lastrowid
            for member, _ in members:
                database.execute(
                    "INSERT INTO meta_event_members (meta_event_id, media_reference_id) VALUES (?, ?)", (event, member)
                )
                database.execute("UPDATE media_references SET counted_by = ? WHERE id = ?", (event, member))
    database.commit()
    try:
        sizes = database.execute("SELECT name, SUM(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC").fetchall()
    except sqlite3.OperationalError:
        sizes = []
    for name, size in sizes:
        if size / links >= 0.5:
            print(f"{size / links:8.1f}  {name}")
    database.close()
    print(f"{path.stat().st_size / links:8.1f}  all of it, per link ({links} links)")
