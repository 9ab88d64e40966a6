"""How the server's process gets its memory: set for buffers of megabytes that come and go with every push."""

from __future__ import annotations

import ctypes
import gc
from typing import Final

import pyarrow as pa

from logpulse.limits import MIB

# Names and numbers of mallopt(3).
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3


def tune_allocator() -> None:
    """Have freed memory kept for the next buffer instead of returned, and Arrow share it with the rest.

    Untuned, each buffer of a push is mapped anew and paid for in page faults: Arrow's own pool doubles the CPU time of
    decoding, glibc's defaults add a fifth. What is kept is bounded: the peak grows by a few per cent. Where the C
    library has no `mallopt`, as musl, only Arrow's pool is chosen.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return
    mallopt(_MMAP_THRESHOLD, 32 * MIB)
    mallopt(_TRIM_THRESHOLD, 128 * MIB)


def tune_collector() -> None:
    """Look for garbage cycles less often than CPython does by itself.

    Decoding a push makes thousands of lists that live for its length; to look through them over and over for cycles,
    which they are not part of, takes a tenth of the decoding.
    """
    gc.set_threshold(20_000, 20, 50)
