"""What a load costs: wrk's figures, and the processor time and memory of the server under it."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from processes import Failure

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_SCRIPT = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True)
class Load:
    """What wrk has seen."""

    requests: int
    seconds: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    # Answers with a status of 400 or more, which some loads expect.
    refused: int
    # Connections that failed, broke off, or took too long.
    failed: int


def put_load(url: str, connections: int, seconds: int, headers: dict[str, str]) -> Load:
    """Have wrk ask for a URL over and over, for whole seconds."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "5s", "--latency"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    command += ["-s", str(_SCRIPT), url]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30)
    except subprocess.TimeoutExpired as error:
        raise Failure("wrk did not end in time") from error
    for line in ended.stdout.splitlines():
        if line.startswith("RESULT "):
            return _load(json.loads(line.removeprefix("RESULT ")))
    raise Failure(f"wrk gave no result: {ended.stdout}{ended.stderr}")


def _load(told: dict[str, int]) -> Load:
    if not told["requests"]:
        raise Failure("no request was answered")
    return Load(
        requests=told["requests"],
        seconds=told["duration_us"] / 1e6,
        p50_ms=told["p50_us"] / 1000,
        p90_ms=told["p90_us"] / 1000,
        p99_ms=told["p99_us"] / 1000,
        refused=told["status"],
        failed=told["connect"] + told["read"] + told["write"] + told["timeout"],
    )


def cpu_seconds(pids: list[int]) -> dict[int, float]:
    """Give the processor time, of user and system, that each process has had so far."""
    times = {}
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        times[pid] = (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
    return times


def cpu_between(before: dict[int, float], after: dict[int, float]) -> float:
    """Give the processor time between two looks at the same processes."""
    # A helper of nginx may have ended meanwhile.
    return sum(after[pid] - then for pid, then in before.items() if pid in after)


def rss_mib(pids: list[int]) -> float:
    """Give the resident memory of all processes, in MiB; shared pages count in each."""
    return _memory_mib(pids, "VmRSS:")


def peak_rss_mib(pids: list[int]) -> float:
    """Give the most resident memory that each process has ever had, summed up, in MiB."""
    return _memory_mib(pids, "VmHWM:")


def _memory_mib(pids: list[int], name: str) -> float:
    kibibytes = 0
    for pid in pids:
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        for line in status.splitlines():
            if line.startswith(name):
                kibibytes += int(line.split()[1])
    return kibibytes / 1024
