"""Processes: started, waited for, and ended by their IDs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

START_WITHIN_S = 120.0
STOP_WITHIN_S = 10.0
POLL_S = 0.02

_given_ports: set[int] = set()


class Failure(Exception):
    """Something that makes a measurement worthless."""


def free_port() -> int:
    """Give a port of 127.0.0.1 that nothing listens on, never the same one twice."""
    while True:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = int(listener.getsockname()[1])
        if port not in _given_ports:
            _given_ports.add(port)
            return port


class Running:
    """A process that was started here, with those that it has started itself."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        """Take a process that has just been started."""
        self.name = name
        self._process = process
        self._log = log

    def family(self) -> list[int]:
        """Give the IDs of the process and of its children, such as the workers of nginx."""
        pid = self._process.pid
        return [pid, *_children(pid)]

    def check(self) -> None:
        """Fail if the process has ended."""
        status = self._process.poll()
        if status is not None:
            raise Failure(f"{self.name} ended with {status}; the end of its log:\n{self.tail()}")

    def wait_until(self, is_ready: Callable[[], bool]) -> None:
        """Wait until the process answers."""
        deadline = time.monotonic() + START_WITHIN_S
        while time.monotonic() < deadline:
            self.check()
            if is_ready():
                return
            time.sleep(POLL_S)
        raise Failure(f"{self.name} does not answer; the end of its log:\n{self.tail()}")

    def tail(self) -> str:
        """Give the end of its log."""
        with self._log.open("rb") as log:
            log.seek(max(0, self._log.stat().st_size - 2000))
            return log.read().decode(errors="replace")

    def stop(self) -> None:
        """End the process; by force if it takes too long."""
        if self._process.poll() is not None:
            return
        family = self.family()
        self._process.terminate()
        try:
            self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            for pid in family:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self._process.wait()


@contextmanager
def running(name: str, command: list[str], folder: Path) -> Iterator[Running]:
    """Run a command in a folder for as long as the context lasts; its output goes to a file."""
    log = folder / "output.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # An interrupt from the terminal is for us alone: we end our children ourselves.
            start_new_session=True,
        )
    server = Running(name, process, log)
    try:
        yield server
    finally:
        server.stop()


def environment() -> dict[str, str]:
    """Return the environment without variables that change a configuration or lead elsewhere."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("MEDIALINK_")
        and name != "RUST_LOG"
        and not name.lower().endswith("_proxy")
    }


def _children(parent: int) -> list[int]:
    children = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # The name of the program, in parentheses, may hold spaces.
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            children.append(int(entry.name))
    return children
