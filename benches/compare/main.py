"""Measures Medialink beside nginx and beside the homeserver itself; see run.sh."""

from __future__ import annotations

import argparse
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import machine
import parts
import report
from bench import Bench
from processes import Failure

_PARTS = [*parts.SCENARIOS, "homeserver", "first-byte", "memory", "forward"]
_OPEN_FILES = 16384
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class _Section:
    """The steps of the measurement and the report of each."""

    title: str
    steps: Sequence[Callable[[], Any]]
    render: Callable[[list[Any]], str]


def main() -> int:
    """Run the chosen parts and print the report; 1 if one of them has failed."""
    arguments = _arguments()
    _allow_open_files()
    for number in _SIGNALS:
        signal.signal(number, _end)
    with tempfile.TemporaryDirectory(prefix="medialink-compare-") as folder:
        bench = _bench(arguments, Path(folder))
        try:
            bench.prepare()
        except Failure as error:
            sys.exit(str(error))
        sections = [report.header(_facts(arguments))]
        has_failed = False
        for section in _sections(bench, arguments.only):
            print(f"{section.title} …", file=sys.stderr)
            results, failures = _attempt(section)
            texts = [section.render(results)] if results else []
            sections.append("\n\n".join([f"## {section.title}", *texts, *failures]))
            has_failed |= bool(failures)
    text = "\n\n".join(sections) + "\n"
    print(text, end="")
    if arguments.out:
        arguments.out.write_text(text)
    return 1 if has_failed else 0


def _end(number: int, _frame: FrameType | None) -> None:
    # Another signal must not disturb the end of the started processes.
    for ignored in _SIGNALS:
        signal.signal(ignored, signal.SIG_IGN)
    sys.exit(128 + number)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.sh", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short look, about 90 seconds")
    parser.add_argument("--only", type=_names, default=_PARTS, help=",".join(_PARTS))
    parser.add_argument("--rounds", type=_positive, help="how often each load runs; 5")
    parser.add_argument("--seconds", type=_positive, help="how long each load runs; 4")
    parser.add_argument("--out", type=Path, help="a file for the report, beside printing it")
    parser.add_argument(
        "--earlier", type=Path, help="another build, which this one is compared with as well"
    )
    parser.add_argument("--medialink", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--synapse-python", type=Path, required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


def _names(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in _PARTS:
            raise argparse.ArgumentTypeError(f"found {name!r}; there are {', '.join(_PARTS)}")
    return names


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"found {number}; allowed is 1 or more")
    return number


def _bench(arguments: argparse.Namespace, folder: Path) -> Bench:
    quick = arguments.quick
    return Bench(
        folder=folder,
        binary=arguments.medialink.resolve(),
        earlier=arguments.earlier.resolve() if arguments.earlier else None,
        # Of a virtual environment the link counts, not its target.
        synapse_python=arguments.synapse_python.absolute(),
        rounds=arguments.rounds or (2 if quick else 5),
        seconds=arguments.seconds or (1 if quick else 4),
        first_byte_rounds=5 if quick else 20,
        copies=2 if quick else 6,
        memory_seconds=3 if quick else 15,
        transactions=1_000 if quick else 10_000,
    )


def _facts(arguments: argparse.Namespace) -> list[tuple[str, str]]:
    # Without the arguments that run.sh added, and without names of files of this machine.
    words = ["benches/compare/run.sh"]
    if arguments.quick:
        words.append("--quick")
    if arguments.only != _PARTS:
        words.append(f"--only {','.join(arguments.only)}")
    if arguments.earlier:
        words.append("--earlier BINARY")
    for name in ("rounds", "seconds"):
        value = getattr(arguments, name)
        if value is not None:
            words.append(f"--{name} {value}")
    return machine.facts(arguments.medialink, arguments.synapse_python, " ".join(words))


def _allow_open_files() -> None:
    # Hundreds of readers, each with a connection to the server and one to the upstream.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _attempt(section: _Section) -> tuple[list[Any], list[str]]:
    results, failures = [], []
    for step in section.steps:
        try:
            results.append(step())
        except (Failure, OSError, subprocess.SubprocessError) as error:
            # The results of other steps are kept. The log is for the spectator.
            print(error, file=sys.stderr)
            first_line = str(error).partition("\n")[0]
            failures.append(f"**A measurement has failed:** {first_line}")
    return results, failures


def _sections(bench: Bench, only: list[str]) -> list[_Section]:
    def loads(text: str) -> Callable[[list[Any]], str]:
        return lambda results: report.loads(results, text, bench.rounds, bench.seconds)

    beside_nginx = [
        partial(parts.throughput_beside_nginx, bench, scenario)
        for name, scenario in parts.SCENARIOS.items()
        if name in only
    ]
    beside_earlier = [
        partial(parts.throughput_beside_earlier, bench, scenario)
        for name, scenario in parts.SCENARIOS.items()
        if name in only and bench.earlier
    ]
    beside_synapse = [partial(parts.throughput_beside_synapse, bench)]
    first_byte = [
        partial(parts.first_byte_beside_synapse, bench),
        partial(parts.first_byte_beside_nginx, bench),
    ]
    memory = [partial(parts.memory_of, bench, case) for case in parts.MEMORY_CASES]

    every = [
        _Section("Beside nginx", beside_nginx, loads(report.BESIDE_NGINX)),
        _Section("Beside an earlier build", beside_earlier, loads(report.BESIDE_EARLIER)),
        _Section(
            "Beside the homeserver itself",
            beside_synapse if "homeserver" in only else [],
            loads(report.BESIDE_SYNAPSE),
        ),
        _Section(
            "Time to the first byte",
            first_byte if "first-byte" in only else [],
            report.first_bytes,
        ),
        _Section(
            "Memory under slow readers",
            memory if "memory" in only else [],
            lambda results: report.memories(results, bench.memory_seconds),
        ),
        _Section(
            "Transactions to a bridge",
            [partial(parts.forwarded, bench)] if "forward" in only else [],
            report.forwardings,
        ),
    ]
    return [section for section in every if section.steps]


if __name__ == "__main__":
    sys.exit(main())
