"""How the server's process gets its memory and gives it back: buffers of megabytes come and go with every push."""

from __future__ import annotations

import ctypes
import gc
from typing import Final

import attrs
import pyarrow as pa
import trio

from logpulse.limits import FREE_MEMORY_BYTES, FREE_MEMORY_SECONDS, MIB

# Names and numbers of mallopt(3).
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3


def tune_allocator() -> None:
    """Have freed memory kept for the next buffer instead of returned, and Arrow share it with the rest.

    Untuned, each buffer of a push is mapped anew and paid for in page faults: Arrow's own pool doubles the CPU time of
    decoding, glibc's defaults add a fifth. glibc keeps all that lies below a piece still in use, for each thread:
    after a burst most of its peak, for good. `keep_memory_bounded` is there for that. Where the C library has
    no `mallopt`, as musl, only Arrow's pool is chosen.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return
    mallopt(_MMAP_THRESHOLD, 32 * MIB)
    mallopt(_TRIM_THRESHOLD, 128 * MIB)


async def keep_memory_bounded(*, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    """Return free memory to the system from time to time, until cancelled; only with glibc 2.33 or newer.

    A server under load pays for it with the page faults of FREE_MEMORY_BYTES and more, once in FREE_MEMORY_SECONDS.
    """
    allocator = Allocator.of_process()
    task_status.started()
    while allocator is not None:
        await trio.sleep(FREE_MEMORY_SECONDS)
        await trio.to_thread.run_sync(allocator.return_free, FREE_MEMORY_BYTES)


class _Mallinfo2(ctypes.Structure):
    # Ten numbers, of which only the bytes in free pieces matter here.
    _fields_ = (("before", ctypes.c_size_t * 8), ("fordblks", ctypes.c_size_t), ("keepcost", ctypes.c_size_t))
    fordblks: int


@attrs.frozen
class Allocator:
    """Ask glibc what it holds, and make it return what nobody uses."""

    _library: ctypes.CDLL

    @classmethod
    def of_process(cls) -> Allocator | None:
        """Give the allocator of this process; None if it is another one than glibc's."""
        library = ctypes.CDLL(None)
        if not (hasattr(library, "mallinfo2") and hasattr(library, "malloc_trim")):
            return None
        library.mallinfo2.restype = _Mallinfo2
        return cls(library)

    def return_free(self, kept: int) -> None:
        """Return all free memory to the system if there are more than `kept` bytes of it, mapped or not."""
        if int(self._library.mallinfo2().fordblks) > kept:
            self._library.malloc_trim(0)


def tune_collector() -> None:
    """Look for garbage cycles less often than CPython does by itself.

    Decoding a push makes thousands of lists that live for its length; to look through them over and over for cycles,
    which they are not part of, takes a tenth of the decoding.
    """
    gc.set_threshold(20_000, 20, 50)
