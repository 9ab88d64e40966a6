"""The memory that a burst of pushes leaves behind goes back to the system."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

import pytest

from logpulse.limits import FREE_MEMORY_BYTES, MIB
from logpulse.memory import Allocator

# In a process of its own, whose allocator nobody else uses. Every tenth buffer lives on, so that glibc by itself could
# give nothing back: only what lies above all that is in use.
_BURST: Final = """
from pathlib import Path
import trio
from logpulse import memory
from logpulse.limits import FREE_MEMORY_BYTES, MIB

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // MIB

async def main():
    memory.tune_allocator()
    before = resident()
    buffers = [b"x" * (MIB // 2) for _ in range(600)]
    peak = resident()
    kept = buffers[9::10]
    del buffers
    async with trio.open_nursery() as nursery:
        await nursery.start(memory.keep_memory_bounded)
        with trio.move_on_after(30):
            while resident() > before + len(kept) // 2 + FREE_MEMORY_BYTES // MIB:
                await trio.sleep(0.01)
        nursery.cancel_scope.cancel()
    print(before, peak, resident(), len(kept))

memory.FREE_MEMORY_SECONDS = 0.01
trio.run(main)
"""


@pytest.mark.skipif(Allocator.of_process() is None, reason="the C library is not glibc 2.33 or newer")
def test_what_a_burst_left_behind_is_returned() -> None:
    done = subprocess.run([sys.executable, "-c", _BURST], capture_output=True, text=True, check=True, timeout=60)
    before, peak, after, kept = map(int, done.stdout.split())
    assert peak >= before + 300
    assert after <= before + kept // 2 + FREE_MEMORY_BYTES // MIB
