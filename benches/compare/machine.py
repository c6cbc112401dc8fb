"""Facts about the machine and the measured programs."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import datetime, timezone
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parents[2]


def facts(medialink: Path, synapse_python: Path, command: str) -> list[tuple[str, str]]:
    """Give names and values."""
    return [
        ("date", datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")),
        ("command", f"`{command}`"),
        ("processor", f"{_processor()}, {os.cpu_count()} cores"),
        ("memory", _memory()),
        ("load before", f"{os.getloadavg()[0]:.2f}"),
        ("kernel", f"{platform.system()} {platform.release()}"),
        ("versions", ", ".join(_versions(medialink.resolve(), synapse_python.absolute()))),
    ]


def _first_line(command: list[str]) -> str:
    # Some tools tell their version on standard error, or call it a failure.
    try:
        ended = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=30,
            cwd=_REPOSITORY,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return (ended.stdout.splitlines() or ["unknown"])[0].strip()


def _versions(medialink: Path, synapse_python: Path) -> list[str]:
    ask = "from importlib.metadata import version; print(version('matrix-synapse'))"
    return [
        f"{_first_line([str(medialink), '--version'])} ({_commit()})",
        _first_line(["rustc", "--version"]),
        _first_line(["nginx", "-v"]).removeprefix("nginx version: "),
        # The rest is how it was built, and by whom.
        _first_line(["wrk", "-v"]).partition(" [")[0],
        f"Synapse {_first_line([str(synapse_python), '-c', ask])}",
    ]


def _commit() -> str:
    commit = _first_line(["git", "rev-parse", "--short=12", "HEAD"])
    changes = _first_line(["git", "status", "--porcelain", "--untracked-files=no"])
    checkout = f"commit {commit}" + ("" if changes == "unknown" else " with changes")
    if os.environ.get("MEDIALINK_BINARY"):
        return f"a binary named by MEDIALINK_BINARY; the checkout is at {checkout}"
    return checkout


def _processor() -> str:
    return _field("/proc/cpuinfo", "model name") or platform.machine()


def _memory() -> str:
    kibibytes = int(_field("/proc/meminfo", "MemTotal").split()[0])
    return f"{kibibytes / (1 << 20):.1f} GiB"


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""
