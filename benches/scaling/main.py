#!/usr/bin/env python3
"""Measures what links, follows and rooms cost, and writes the tables of docs/SCALING.md. See benches/scaling.sh."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.append(str(REPOSITORY / "benches/compare"))

import document  # noqa: E402
import machine  # noqa: E402
import stages  # noqa: E402
from services import Programs  # noqa: E402


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="benches/scaling.sh", description=__doc__)
    parser.add_argument("--medialink", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--load", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--links", type=int, default=10_000_000, help="the largest database: a power of ten")
    parser.add_argument("--by-api", type=int, default=100_000, help="as many are issued; more are copies of these")
    parser.add_argument("--seconds", type=float, default=60, help="how long a day takes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="sqlite,postgres", help="databases, separated by commas")
    parser.add_argument("--stages", default="issuing,sizes,days", help="what is measured")
    parser.add_argument("--day", default="", help="options of `medialink-load day`: how much happens")
    parser.add_argument("--raw", type=Path, help="a file for all figures, as JSON; what there is so far")
    parser.add_argument("--figures", type=Path, help="such a file of an earlier run, whose tables are written again")
    parser.add_argument("--write", type=Path, help="the document that gets the tables; without it, they are printed")
    return parser.parse_args()


def measure(asked: argparse.Namespace, on: str) -> dict:
    """Measure all that is asked for."""
    programs = Programs(asked.medialink.resolve(), asked.load.resolve())
    wanted = [10**power for power in range(4, 10) if 10**power <= asked.links]
    found: dict = {"machine": on, "issuing": {}, "sizes": {}, "days": []}
    for name in asked.only.split(","):
        on_postgres = name == "postgres"
        if "issuing" in asked.stages:
            engine_name = "PostgreSQL" if on_postgres else "SQLite"
            found["issuing"][engine_name] = stages.issuing(programs, on_postgres, 5)
            keep(asked.raw, found)
        if "sizes" not in asked.stages and "days" not in asked.stages:
            continue
        with stages.engine(programs, on_postgres) as at:
            found["sizes"][at.name] = []
            for size in stages.sizes(at, wanted, asked.by_api, "sizes" in asked.stages):
                found["sizes"][at.name].append(size)
                keep(asked.raw, found)
            copies = max(1, wanted[-1] // asked.by_api)
            for number, replicas in enumerate((1, 3) if on_postgres else (1,)):
                if "days" in asked.stages:
                    size = shlex.split(asked.day)
                    day = stages.day(at, copies, replicas, asked.seconds, asked.seed + number, size)
                    found["days"].append((at.name, day))
                    keep(asked.raw, found)
    return found


def keep(raw: Path | None, found: dict) -> None:
    """Keep what was measured so far: a later part may fail."""
    if raw:
        raw.write_text(json.dumps(found, indent=1))


def about(asked: argparse.Namespace, command: str) -> str:
    """Tell on what it ran."""
    facts = machine.facts(asked.medialink, Path("python3"), command)
    text = "\n".join(f"- {name}: {value}" for name, value in facts if name != "versions")
    commit = subprocess.run(["git", "-C", REPOSITORY, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True)
    return f"{text}\n- commit: {commit.stdout.strip()}"


def parts(found: dict) -> dict[str, str]:
    """Write all tables for which there are figures."""
    sizes, issued = found["sizes"], found["issuing"]
    tables = {"machine": found["machine"]}
    is_measured = bool(sizes) and all("follows" in one for of_engine in sizes.values() for one in of_engine)
    if is_measured:
        tables |= {"follows": document.sizes(sizes), "space": document.space(sizes)}
    if issued:
        tables |= {"issuing": document.issuing(issued), "rooms": document.rooms(issued)}
    if found["days"]:
        tables["days"] = document.days(found["days"])
    if is_measured and "PostgreSQL" in sizes:
        tables["replicas"] = document.replicas(sizes)
    if is_measured and issued:
        tables["one machine"] = document.one_machine(sizes, issued)
        tables["many links"] = document.many_links(sizes, issued)
    return tables


def main() -> None:
    """Measure, and write it down."""
    asked = arguments()
    words = [word for word in sys.argv[1:] if word]
    hidden = {"--medialink", "--load"}
    shown = [word for at, word in enumerate(words) if word not in hidden and (at == 0 or words[at - 1] not in hidden)]
    command = shlex.join(["tests/with-postgres.sh", "benches/scaling.sh", *shown])
    if "postgres" in asked.only and not asked.figures and not os.environ.get("TEST_POSTGRES_URL"):
        raise SystemExit("there is no PostgreSQL: run it by tests/with-postgres.sh, or with --only sqlite")
    if asked.figures:
        found = json.loads(asked.figures.read_text())
    else:
        found = measure(asked, about(asked, command))
    tables = parts(found)
    if asked.write:
        document.write(asked.write, tables)
    else:
        print("\n\n".join(f"## {name}\n\n{text}" for name, text in tables.items()))


if __name__ == "__main__":
    main()
