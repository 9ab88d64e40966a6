"""Snappy's raw block format, in which Loki's senders pack their protobuf."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from logpulse.errors import BodyFormatError, BodyTooLargeError
from logpulse.limits import DECOMPRESSED_BYTES, DECOMPRESSION_RATIO, MIB
from logpulse.wire.protobuf import read_varint

_SMALL: Final = MIB  # a block may hold this much, whatever its own size


def unpack_snappy(block: bytes) -> bytes:
    """Give what a raw block holds. Its declared size is checked before anything is allocated.

    Raises:
        BodyFormatError: the block is damaged, cut off, or of the framed format.
        BodyTooLargeError: it declares more than DECOMPRESSED_BYTES, or DECOMPRESSION_RATIO times its own size.
    """
    try:
        size, _ = read_varint(block, 0)
    except IndexError:
        raise BodyFormatError("the body is not a snappy block: it is empty or cut off") from None
    most = min(DECOMPRESSED_BYTES, max(len(block) * DECOMPRESSION_RATIO, _SMALL))
    if size > most:
        raise BodyTooLargeError("decompressed body bytes", most, size)
    try:
        content: bytes = pa.decompress(block, decompressed_size=size, codec="snappy", asbytes=True)
    except (OSError, pa.ArrowInvalid) as error:
        raise BodyFormatError(f"the body is not a snappy block: {error}") from error
    return content
