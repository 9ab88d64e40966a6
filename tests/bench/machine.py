"""What this machine can do at best, and what a process has used of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import attrs
import pyarrow as pa


@attrs.frozen
class Limits:
    """Hold the rates of one core on the corpus' own text, in MB a second, and how small zstd makes it as a whole."""

    compress: float
    decompress: float
    compressed_share: float

    @classmethod
    def of(cls, text: bytes) -> Limits:
        """Measure with zstd level 3, what segments use: CPU time, the best of five runs, since others may disturb."""
        codec = pa.Codec("zstd", compression_level=3)
        packed = codec.compress(text, asbytes=True)
        return cls(
            compress=len(text) / 1e6 / _best(lambda: codec.compress(text)),
            decompress=len(text) / 1e6 / _best(lambda: codec.decompress(packed, len(text))),
            compressed_share=len(packed) / len(text),
        )


def _best(work: Callable[[], object], runs: int = 5) -> float:
    took = []
    for _ in range(runs):
        began = time.thread_time()
        work()
        took.append(time.thread_time() - began)
    return min(took)


@attrs.frozen
class ProcessUse:
    """Read one process's CPU time and memory from /proc."""

    pid: int

    def cpu_seconds(self) -> float:
        """Count user and system time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """Give the resident memory now."""
        return self._status("VmRSS:")

    def peak_memory_mb(self) -> float:
        """Give the most that was resident."""
        return self._status("VmHWM:")

    def _status(self, name: str) -> float:
        text = Path(f"/proc/{self.pid}/status").read_text()
        return int(text.partition(name)[2].split()[0]) * 1024 / 1e6
