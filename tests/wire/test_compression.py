"""Content-Encoding: every common form is read, every broken one refused, and no bomb takes memory or time."""

from __future__ import annotations

import gzip
import time
import tracemalloc
import zlib

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.errors import BodyFormatError, BodyTooLargeError, UnsupportedMediaError
from logpulse.limits import DECOMPRESSED_BYTES, GZIP_MEMBERS, MIB
from logpulse.wire.compression import decompress


def raw_deflate(data: bytes) -> bytes:
    """Compress without any header, as some senders do under `deflate`."""
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


def zstd(data: bytes) -> bytes:
    """Compress to one zstd frame."""
    return bytes(pa.compress(data, "zstd", asbytes=True))


COMPRESSIONS = [
    pytest.param("gzip", gzip.compress, id="gzip"),
    pytest.param("deflate", zlib.compress, id="zlib"),
    pytest.param("deflate", raw_deflate, id="raw deflate"),
    pytest.param("zstd", zstd, id="zstd"),
]
TEXT = b'{"streams":[{"labels":{"service":"api"},"entries":[{"line":"hello"}]}]}' * 50


@pytest.mark.parametrize(("encoding", "compress"), COMPRESSIONS)
@given(data=st.one_of(st.binary(min_size=1, max_size=300), st.text(min_size=1).map(str.encode)))
def test_what_was_compressed_comes_back(encoding: str, compress: object, data: bytes) -> None:
    assert callable(compress)
    assert decompress(compress(data), encoding) == data


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_a_plain_body_is_left_alone(encoding: str) -> None:
    assert decompress(TEXT, encoding) == TEXT


@pytest.mark.parametrize("encoding", ["GZIP", " gzip "])
def test_names_are_read_as_http_writes_them(encoding: str) -> None:
    assert decompress(gzip.compress(TEXT), encoding) == TEXT


@pytest.mark.parametrize("encoding", ["br", "gzip, deflate", "snappy", "x" * 1000])
def test_other_encodings_are_refused_with_those_that_work(encoding: str) -> None:
    with pytest.raises(UnsupportedMediaError, match=r"^Content-Encoding: .* one of gzip, deflate, zstd, identity$"):
        decompress(TEXT, encoding)


def test_members_and_frames_may_follow_each_other() -> None:
    assert decompress(gzip.compress(b"one ") + gzip.compress(b"") + gzip.compress(b"two"), "gzip") == b"one two"
    assert decompress(zstd(b"one ") + zstd(b"two"), "zstd") == b"one two"
    assert decompress(gzip.compress(b"x") * GZIP_MEMBERS, "gzip") == b"x" * GZIP_MEMBERS


@pytest.mark.parametrize(("encoding", "compress"), COMPRESSIONS)
def test_a_body_cut_anywhere_is_refused(encoding: str, compress: object) -> None:
    assert callable(compress)
    whole = compress(TEXT)
    for size in range(1, len(whole)):
        with pytest.raises(BodyFormatError, match=f"the body is not valid {encoding}: "):
            decompress(whole[:size], encoding)


@pytest.mark.parametrize(("encoding", "compress"), COMPRESSIONS)
@pytest.mark.parametrize("garbage", [b"x", b"garbage behind the end", b"\0" * 10])
def test_what_follows_the_end_is_refused(encoding: str, compress: object, garbage: bytes) -> None:
    assert callable(compress)
    with pytest.raises(BodyFormatError, match=f"the body is not valid {encoding}: "):
        decompress(compress(TEXT) + garbage, encoding)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
@given(data=st.binary(min_size=1, max_size=200))
def test_no_bytes_raise_anything_else(encoding: str, data: bytes) -> None:
    try:
        decompress(data, encoding)
    except (BodyFormatError, BodyTooLargeError):
        return


def test_a_wrong_checksum_is_refused() -> None:
    data = bytearray(gzip.compress(TEXT))
    data[-6] ^= 1
    with pytest.raises(BodyFormatError, match="the body is not valid gzip: "):
        decompress(bytes(data), "gzip")
    adler = bytearray(zlib.compress(TEXT))
    adler[-1] ^= 1
    with pytest.raises(BodyFormatError, match="the body is not valid deflate: "):
        decompress(bytes(adler), "deflate")


@pytest.mark.parametrize(("encoding", "compress"), COMPRESSIONS)
def test_a_bomb_is_refused_in_little_memory(encoding: str, compress: object) -> None:
    assert callable(compress)
    bomb = compress(bytes(100 * MIB))
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLargeError, match="decompressed body bytes is limited to"):
            decompress(bomb, encoding)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    most = min(DECOMPRESSED_BYTES, max(len(bomb) * 100, MIB))
    assert peak < most + 8 * MIB
    assert pa.total_allocated_bytes() - before < 8 * MIB


def test_bodies_are_bounded_by_ratio_and_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    small = gzip.compress(bytes(MIB))
    assert len(decompress(small, "gzip")) == MIB, "a megabyte harms nobody, whatever its ratio"
    with pytest.raises(BodyTooLargeError):
        decompress(gzip.compress(bytes(2 * MIB)), "gzip")
    monkeypatch.setattr("logpulse.wire.compression.DECOMPRESSED_BYTES", len(TEXT))
    assert decompress(gzip.compress(TEXT), "gzip") == TEXT
    with pytest.raises(BodyTooLargeError):
        decompress(gzip.compress(TEXT + b"x"), "gzip")


def test_too_many_members_are_refused_without_reading_them_all() -> None:
    body = gzip.compress(b"") * 400_000  # 8 MB; reading each with a copy of the rest would take minutes
    began = time.process_time()
    with pytest.raises(BodyFormatError, match=f"more than {GZIP_MEMBERS} members"):
        decompress(body, "gzip")
    assert time.process_time() - began < 10
