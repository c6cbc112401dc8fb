"""The media: files as a homeserver would have them, distinguished by the beginning of their IDs."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

SERVER_NAME = "example.org"
KIB = 1 << 10
MIB = 1 << 20

# Types are judged by the first bytes.
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
_MP4 = b"\0\0\0\x18ftypisom\0\0\2\0isomiso2"


@dataclass(frozen=True)
class Kind:
    """Media of one size and type."""

    name: str
    size: int
    content_type: str
    magic: bytes
    # How fast the upstream gives it, as nginx writes it; "0": as fast as it can.
    rate: str = "0"

    def media_id(self, number: int) -> str:
        """Give an ID; different numbers are different media for everybody but the upstream."""
        return f"{self.name}-{number}"

    def file(self, folder: Path) -> Path:
        """Give the file with its bytes."""
        return folder / f"{self.name}.bin"


SMALL = Kind("small", 10 * KIB, "image/png", _PNG)
MEDIUM = Kind("medium", MIB, "video/mp4", _MP4)
LARGE = Kind("large", 100 * MIB, "video/mp4", _MP4)
# Faster than its readers, and slow enough that the buffers of nginx for 200 of them fit on disks.
SLOW = Kind("slow", 100 * MIB, "video/mp4", _MP4, rate="512k")
KINDS = [SMALL, MEDIUM, LARGE, SLOW]


def content(kind: Kind) -> bytes:
    """Give the bytes of media: its first ones, then noise."""
    noise = random.Random(kind.name).randbytes(MIB)
    return (kind.magic + noise * (kind.size // MIB + 1))[: kind.size]


def write_files(folder: Path) -> None:
    """Write the files of all kinds."""
    for kind in KINDS:
        kind.file(folder).write_bytes(content(kind))


def mxc(media_id: str) -> str:
    """Give the address of media of the homeserver."""
    return f"mxc://{SERVER_NAME}/{media_id}"
