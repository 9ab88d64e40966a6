"""Undo a body's Content-Encoding within bounds: what a bomb declares is not believed, what it yields is counted."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Final

import attrs
import pyarrow as pa

from logpulse.errors import BodyFormatError, BodyTooLargeError, UnsupportedMediaError
from logpulse.limits import DECOMPRESSED_BYTES, DECOMPRESSION_RATIO, GZIP_MEMBERS, KIB, MIB

_STEP: Final = MIB
_FEED: Final = 64 * KIB
_GZIP: Final = 16 + zlib.MAX_WBITS
_ZLIB: Final = zlib.MAX_WBITS
_RAW: Final = -zlib.MAX_WBITS


@attrs.frozen
class EncodedBody:
    """Hold a body as it was sent, and its Content-Encoding, empty for none."""

    content: bytes
    encoding: str

    @property
    def is_plain(self) -> bool:
        """Whether the content is the text itself."""
        return self.encoding == ""

    def decompressed(self) -> bytes:
        """Give the text; raises as `decompress` does."""
        return decompress(self.content, self.encoding)


def decompress(body: bytes, encoding: str) -> bytes:
    """Give the text of `body`; `encoding` is its Content-Encoding, empty for none.

    `deflate` may be the zlib format, as RFC 9110 says, or raw, as some senders write it.

    Raises:
        UnsupportedMediaError: another encoding than gzip, deflate, zstd or identity.
        BodyFormatError: the body is damaged, cut off, or has something behind its end.
        BodyTooLargeError: it yields more than DECOMPRESSED_BYTES, or DECOMPRESSION_RATIO times its size.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    expand = _ENCODINGS.get(name)
    if expand is None:
        raise UnsupportedMediaError("Content-Encoding", encoding, (*_ENCODINGS, "identity"))
    try:
        return _within_bounds(expand(body), len(body))
    except (zlib.error, OSError, EOFError) as error:
        raise BodyFormatError(f"the body is not valid {name}: {error}") from error


def _within_bounds(pieces: Iterator[bytes], compressed: int) -> bytes:
    # Short bodies may expand further, as a megabyte harms nobody.
    most = min(DECOMPRESSED_BYTES, max(compressed * DECOMPRESSION_RATIO, _STEP))
    whole: list[bytes] = []
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > most:
            raise BodyTooLargeError("decompressed body bytes", most, f"more than {most}")
        whole.append(piece)
    return b"".join(whole)


def _inflate(body: bytes, window: int) -> Iterator[bytes]:
    # Fed in pieces, so that what a member leaves unread is copied a little at a time and never all of it.
    position, members = 0, 0
    while position < len(body):  # gzip members may follow each other
        members += 1
        if members > GZIP_MEMBERS:
            raise EOFError(f"it has more than {GZIP_MEMBERS} members")
        stream = zlib.decompressobj(window)
        while not stream.eof:
            fed = stream.unconsumed_tail
            if not fed:
                fed = body[position : position + _FEED]
                position += len(fed)
            piece = stream.decompress(fed, _STEP)
            if not piece and not fed and not stream.eof:
                raise EOFError("it is cut off")
            yield piece
        position -= len(stream.unused_data)
        if position < len(body) and window != _GZIP:
            raise EOFError("something follows its end")


def _gzip(body: bytes) -> Iterator[bytes]:
    return _inflate(body, _GZIP)


def _deflate(body: bytes) -> Iterator[bytes]:
    # A zlib header is a multiple of 31 with method 8; a raw stream that starts so is not to be expected from text.
    is_zlib = len(body) >= 2 and body[0] & 15 == 8 and int.from_bytes(body[:2]) % 31 == 0
    return _inflate(body, _ZLIB if is_zlib else _RAW)


def _zstd(body: bytes) -> Iterator[bytes]:
    with pa.input_stream(pa.BufferReader(body), compression="zstd") as stream:
        while piece := stream.read(_STEP):
            yield piece


_ENCODINGS: Final[dict[str, Callable[[bytes], Iterator[bytes]]]] = {"gzip": _gzip, "deflate": _deflate, "zstd": _zstd}
