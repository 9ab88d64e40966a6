"""Every name in the data folder, and nothing else.

data/
  FORMAT                 format number and store id, written once
  lock                   held by the running server
  catalog.sqlite         streams and segments; rebuildable
  wal/<sequence>.wal     records from that sequence number on
  segments/<day>/<first>-<last>-<part>.parquet
  quarantine/            damaged files, kept as evidence
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import attrs

from logpulse.limits import DAY_NS

TEMPORARY_SUFFIX: Final = ".tmp"
_WAL_NAME: Final = re.compile(r"(\d{16})\.wal")
_SEGMENT_NAME: Final = re.compile(r"\d{4}-\d{2}-\d{2}/\d{16}-\d{16}-\d{4}\.parquet")


@attrs.frozen
class DataFolder:
    """Give the paths inside one data folder."""

    root: Path

    @property
    def format(self) -> Path:
        """The file that says which format the folder has."""
        return self.root / "FORMAT"

    @property
    def lock(self) -> Path:
        """The file whose lock marks the folder as in use."""
        return self.root / "lock"

    @property
    def catalog(self) -> Path:
        """The SQLite catalog."""
        return self.root / "catalog.sqlite"

    @property
    def wal(self) -> Path:
        """The folder of WAL files."""
        return self.root / "wal"

    @property
    def segments(self) -> Path:
        """The folder of segments, one folder a day inside."""
        return self.root / "segments"

    @property
    def quarantine(self) -> Path:
        """The folder of damaged files."""
        return self.root / "quarantine"

    def segment(self, name: str) -> Path:
        """The path of the segment called `name`."""
        return self.segments / name

    def segment_names(self) -> list[str]:
        """List the segments on disk, oldest day first."""
        found = (path.relative_to(self.segments).as_posix() for path in self.segments.glob("*/*.parquet"))
        return sorted(name for name in found if _SEGMENT_NAME.fullmatch(name))

    def leftovers(self) -> list[Path]:
        """List the unfinished files that a kill left behind; what others put into the folder is not among them."""
        segments = (path for path in self.segments.glob(f"*/*.parquet{TEMPORARY_SUFFIX}") if path.is_file())
        names = ((path, path.relative_to(self.segments).as_posix().removesuffix(TEMPORARY_SUFFIX)) for path in segments)
        found = [path for path, name in names if _SEGMENT_NAME.fullmatch(name)]
        unwritten = self.format.with_name(self.format.name + TEMPORARY_SUFFIX)
        return [*found, unwritten] if unwritten.is_file() else found

    def wal_files(self) -> list[Path]:
        """List the WAL files in the order of their sequence numbers."""
        return sorted(path for path in self.wal.glob("*.wal") if _WAL_NAME.fullmatch(path.name))


def wal_name(first_sequence: int) -> str:
    """Name the WAL file whose first record has this sequence number."""
    return f"{first_sequence:016d}.wal"


def wal_first_sequence(path: Path) -> int:
    """Read the first sequence number off a WAL file's name."""
    match = _WAL_NAME.fullmatch(path.name)
    assert match is not None, path
    return int(match[1])


def segment_name(day: int, first_sequence: int, last_sequence: int, part: int) -> str:
    """Name the segment with entries of these records in the UTC day `day` (days since 1970); `part` keeps it unique."""
    date = datetime.fromtimestamp(day * DAY_NS // 1_000_000_000, UTC).strftime("%Y-%m-%d")
    return f"{date}/{first_sequence:016d}-{last_sequence:016d}-{part:04d}.parquet"
