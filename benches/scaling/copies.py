"""Multiplies what `medialink-load fill` has made, inside the database.

Which tables and columns there are is asked of the database itself. Each name that the fill has made holds MARK, and
each copy has another text in its place; numbers of rows, and what refers to them, are moved on; a copied link has an
ID that follows from its number. Indexes are taken away meanwhile, and made again. Triggers do not run.
"""

from __future__ import annotations

import base64
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MARK = "c0000"
# The same as in benches/load/src/links.rs.
SPREAD = 25_214_903_917
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# What refers to rows of a table without saying so in the schema.
UNDECLARED = {"counted_by": "meta_events", "queued_in": "meta_events"}


@dataclass(frozen=True)
class Table:
    """A table, as the database describes it."""

    name: str
    columns: dict[str, str]
    number: str | None
    refers: dict[str, str]


class Sqlite:
    """A SQLite file."""

    name = "SQLite"

    def __init__(self, path: Path) -> None:
        """Open it; nobody else may have it open."""
        self.database = sqlite3.connect(path, isolation_level=None)
        for setting in ("journal_mode = DELETE", "synchronous = OFF", "cache_size = -2000000", "temp_store = MEMORY"):
            self.database.execute(f"PRAGMA {setting}")

    def close(self) -> None:
        """Take statistics, as a service does in time, and close it."""
        self.run("ANALYZE")
        self.database.close()

    def run(self, text: str) -> list[tuple]:
        """Run a statement."""
        return self.database.execute(text).fetchall()

    def tables(self) -> list[Table]:
        """Describe the tables."""
        found = []
        for (name,) in self.run("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"):
            columns = self.run(f"PRAGMA table_info({name})")
            number = [c[1] for c in columns if c[5] == 1 and c[2] == "INTEGER"]
            refers = {c[3]: c[2] for c in self.run(f"PRAGMA foreign_key_list({name})")}
            found.append(Table(name, {c[1]: c[2] for c in columns}, next(iter(number), None), refers))
        return found

    @contextmanager
    def without_indexes(self, tables: list[str]) -> Iterator[None]:
        """Take the indexes of these tables away, and make them again; not those that are part of a table."""
        names = ", ".join(f"'{name}'" for name in tables)
        sql = f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({names})"
        indexes = self.run(sql)
        self.run("BEGIN IMMEDIATE")
        for name, _ in indexes:
            self.run(f"DROP INDEX {name}")
        yield
        for _, sql in indexes:
            self.run(sql)
        self.run("COMMIT")

    def numbers(self, first: int, last: int) -> str:
        """Give a table of numbers, as `n.k`."""
        return f"(WITH RECURSIVE n(k) AS (SELECT {first} UNION ALL SELECT k + 1 FROM n WHERE k < {last}) SELECT k FROM n) n"

    def marked(self, column: str) -> str:
        """Give a text with the mark of copy k."""
        return f"replace({column}, '{MARK}', 'c' || printf('%04d', n.k))"

    def text_id(self, number: str) -> str:
        """Give 48 bits as base64url."""
        return " || ".join(f"substr('{LETTERS}', (({number} >> {shift}) & 63) + 1, 1)" for shift in range(42, -6, -6))

    def blob_id(self, number: str) -> str:
        """Give 48 bits as bytes."""
        return f"unhex(printf('%012x', {number}))"

    def insert(self, table: Table, columns: str, select: str) -> None:
        """Insert rows."""
        self.run(f"INSERT INTO {table.name} ({columns}) {select}")

    def size(self) -> int:
        """Give the bytes of the database."""
        return self.run("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")[0][0]


class Postgres:
    """A database on a PostgreSQL server."""

    name = "PostgreSQL"

    def __init__(self, url: str) -> None:
        """Take the URL of the database."""
        self.url = url

    def close(self) -> None:
        """Take statistics, and clean up as the server does in time."""
        self.run("VACUUM ANALYZE")

    def run(self, text: str) -> list[tuple]:
        """Run statements in a session of their own."""
        command = [psql(), self.url, "-qAtX", "-v", "ON_ERROR_STOP=1", "-F", "\x1f", "-R", "\x1e"]
        ended = subprocess.run(command, input=f"{text};", capture_output=True, text=True, timeout=14_400)
        if ended.returncode:
            raise SystemExit(f"{text[:500]}\n{ended.stderr[:2000]}")
        rows = ended.stdout.removesuffix("\n")
        return [tuple(row.split("\x1f")) for row in rows.split("\x1e")] if rows else []

    def tables(self) -> list[Table]:
        """Describe the tables."""
        found: dict[str, Table] = {}
        sql = """SELECT table_name, column_name, data_type, is_identity FROM information_schema.columns
                 WHERE table_schema = 'public' ORDER BY table_name, ordinal_position"""
        for table, column, kind, is_identity in self.run(sql):
            before = found.get(table, Table(table, {}, None, {}))
            number = column if is_identity == "YES" else before.number
            found[table] = Table(table, {**before.columns, column: kind}, number, before.refers)
        sql = """SELECT conrelid::regclass, a.attname, confrelid::regclass FROM pg_constraint
                 JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = conkey[1] WHERE contype = 'f'"""
        for table, column, other in self.run(sql):
            found[table].refers[column] = other
        return list(found.values())

    @contextmanager
    def without_indexes(self, tables: list[str]) -> Iterator[None]:
        """Take the indexes of these tables away, and make them again; not those of constraints."""
        names = ", ".join(f"'{name}'" for name in tables)
        sql = f"""SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename IN ({names})
                  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = indexname)"""
        indexes = self.run(sql)
        for name, _ in indexes:
            self.run(f"DROP INDEX {name}")
        yield
        for _, definition in indexes:
            self.run(f"SET maintenance_work_mem = '512MB'; {definition}")

    def numbers(self, first: int, last: int) -> str:
        """Give a table of numbers, as `n.k`."""
        return f"(SELECT k::bigint FROM generate_series({first}, {last}) k) n"

    def marked(self, column: str) -> str:
        """Give a text with the mark of copy k."""
        return f"replace({column}, '{MARK}', 'c' || lpad(n.k::text, 4, '0'))"

    def text_id(self, number: str) -> str:
        """Give 48 bits as base64url."""
        letter = "substr('{}', ((({} >> {}) & 63) + 1)::int, 1)"
        return " || ".join(letter.format(LETTERS, number, shift) for shift in range(42, -6, -6))

    def blob_id(self, number: str) -> str:
        """Give 48 bits as bytes."""
        return f"decode(lpad(to_hex({number}), 12, '0'), 'hex')"

    def insert(self, table: Table, columns: str, select: str) -> None:
        """Insert rows; without triggers."""
        over = "OVERRIDING SYSTEM VALUE" if table.number else ""
        self.run(f"SET session_replication_role = replica; INSERT INTO {table.name} ({columns}) {over} {select}")
        if table.number:
            last = f"SELECT max({table.number}) FROM {table.name}"
            self.run(f"SELECT setval(pg_get_serial_sequence('{table.name}', '{table.number}'), ({last}))")

    def size(self) -> int:
        """Give the bytes of the database."""
        return int(self.run("SELECT pg_database_size(current_database())")[0][0])


def psql() -> str:
    """Find the program."""
    return str(sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"))[-1])


def multiply(database: Sqlite | Postgres, first: int, last: int) -> None:
    """Make copies with these numbers of what has MARK; those before them are there already."""
    tables = {table.name: table for table in database.tables()}
    copied = _copied(database, tables)
    moves = {name: _most(database, tables[name]) for name in copied if tables[name].number}
    if "link_ranks" not in tables:
        _rank_links(database)
    with database.without_indexes(copied):
        for name in copied:
            _copy(database, tables[name], moves, first, last)


def _is_text(kind: str) -> bool:
    return kind.lower().startswith(("text", "character"))


def _copied(database: Sqlite | Postgres, tables: dict[str, Table]) -> list[str]:
    """Find the tables with marked rows, and those that refer to their rows."""
    copied = []
    for table in tables.values():
        if table.name == "link_ranks":
            continue
        texts = [f"{column} LIKE '%{MARK}%'" for column, kind in table.columns.items() if _is_text(kind)]
        if texts and database.run(f"SELECT 1 FROM {table.name} WHERE {' OR '.join(texts)} LIMIT 1"):
            copied.append(table.name)
    while more := [t.name for t in tables.values() if t.name not in copied and set(t.refers.values()) & set(copied)]:
        copied += more
    return copied


def _rows(table: Table) -> str:
    """Give the condition for rows of the first copy."""
    if table.name == "links" or not (key := _key(table)):
        return "TRUE"
    return f"t.{key} LIKE '%{MARK}%'"


def _key(table: Table) -> str | None:
    """Find the text that names the rows of a table: another one in each copy."""
    named = [column for column in ("mxc", "room_id", "matrix_id") if column in table.columns]
    return next(iter(named), None)


def _most(database: Sqlite | Postgres, table: Table) -> int:
    """Give how far numbers of a table move on from one copy to the next: what the first copy needs."""
    if table.name in (made := {row[0]: int(row[1]) for row in _moves(database)}):
        return made[table.name]
    most = int(database.run(f"SELECT max({table.number}) FROM {table.name}")[0][0] or 0)
    database.run(f"INSERT INTO copy_moves VALUES ('{table.name}', {most})")
    return most


def _moves(database: Sqlite | Postgres) -> list[tuple]:
    database.run("CREATE TABLE IF NOT EXISTS copy_moves (name TEXT, most BIGINT)")
    return database.run("SELECT name, most FROM copy_moves")


def _rank_links(database: Sqlite | Postgres) -> None:
    """Number the links of the first copy by their IDs, as `fill` writes them down."""
    rows = database.run("SELECT id, link_id FROM links")
    ranked = sorted(rows, key=lambda row: _text_id(row[1]))
    database.run("CREATE TABLE link_ranks (id BIGINT PRIMARY KEY, rank BIGINT NOT NULL)")
    for start in range(0, len(ranked), 10_000):
        some = enumerate(ranked[start : start + 10_000], start)
        database.run("INSERT INTO link_ranks VALUES " + ", ".join(f"({row[0]}, {rank})" for rank, row in some))


def _text_id(link_id: str | bytes | int) -> bytes:
    """Give the ID of a link as the API shows it, whatever the database holds."""
    if isinstance(link_id, str) and link_id.startswith("\\x"):
        link_id = bytes.fromhex(link_id[2:])
    if isinstance(link_id, int):
        link_id = link_id.to_bytes(6, "big")
    return link_id.encode() if isinstance(link_id, str) else base64.urlsafe_b64encode(link_id)


def _copy(database: Sqlite | Postgres, table: Table, moves: dict[str, int], first: int, last: int) -> None:
    is_links = table.name == "links"
    columns = {}
    for column, kind in table.columns.items():
        refers = table.refers.get(column, UNDECLARED.get(column))
        value = f"t.{column}"
        if column == table.number:
            value = f"t.{column} + n.k * {moves[table.name]}"
        elif refers in moves:
            value = f"t.{column} + n.k * {moves[refers]}"
        elif is_links and column == "link_id":
            number = f"(((n.k * (SELECT count(*) FROM link_ranks) + r.rank) * {SPREAD}) & ((1::bigint << 48) - 1))"
            number = number.replace("::bigint", "") if database.name == "SQLite" else number
            value = database.text_id(number) if _is_text(kind) else database.blob_id(number)
            value = number if "int" in kind.lower() else value
        elif _is_text(kind):
            value = database.marked(value)
        columns[column] = value
    within = f" AND t.{table.number} <= {moves[table.name]}" if table.number else _within(table, moves)
    ranks = " JOIN link_ranks r ON r.id = t.id" if is_links else ""
    rows = f"{table.name} t{ranks} CROSS JOIN {database.numbers(first, last)} WHERE {_rows(table)}{within}"
    database.insert(table, ", ".join(columns), f"SELECT {', '.join(columns.values())} FROM {rows}")


def _within(table: Table, moves: dict[str, int]) -> str:
    """Give the condition for rows of the first copy in a table whose rows have no numbers."""
    refers = [f" AND t.{column} <= {moves[other]}" for column, other in table.refers.items() if other in moves]
    return "".join(refers)
