"""Raw snappy blocks: what senders pack comes back, and no block takes memory by what it declares."""

from __future__ import annotations

import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.errors import BodyFormatError, BodyTooLargeError, LogPulseError
from logpulse.limits import DECOMPRESSED_BYTES, MIB
from logpulse.wire.protobuf import read_varint
from logpulse.wire.snappy import unpack_snappy

from ..loki_bodies import snappy, varint


@given(
    st.one_of(
        st.binary(max_size=300), st.tuples(st.binary(max_size=9), st.integers(0, 2000)).map(lambda t: t[0] * t[1])
    )
)
def test_what_was_packed_comes_back(content: bytes) -> None:
    assert unpack_snappy(snappy(content)) == content


def test_overlapping_copies() -> None:
    assert unpack_snappy(varint(10) + b"\x04ab" + b"\x11\x02") == b"ab" * 5


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"\xff",
        b"\xff" * 11,
        b"\x05",
        b"\x05\x10abc",
        b"\x0a\x04ab",
        b"\x02\x04abc",
        b"\x04\x01\x05",
        b"\xff\x06\x00\x00sNaPpY",
    ],
    ids=repr,
)
def test_damaged_blocks_are_refused(block: bytes) -> None:
    with pytest.raises(BodyFormatError):
        unpack_snappy(block)


@pytest.mark.parametrize("size", [MIB + 1, DECOMPRESSED_BYTES + 1, 2**32 - 1, 2**63])
def test_a_declared_size_is_judged_before_memory_is_taken(size: int) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLargeError, match=f"decompressed body bytes is limited to {MIB}, got {size}"):
            unpack_snappy(varint(size) + b"\x00x")
        assert tracemalloc.get_traced_memory()[1] < MIB
    finally:
        tracemalloc.stop()


def test_a_large_block_may_declare_no_more_than_fits() -> None:
    with pytest.raises(BodyTooLargeError, match=f"limited to {DECOMPRESSED_BYTES}"):
        unpack_snappy(varint(DECOMPRESSED_BYTES + 1) + bytes(MIB))


@given(st.binary(max_size=60))
def test_nothing_else_is_raised(block: bytes) -> None:
    with suppress(LogPulseError):
        assert len(unpack_snappy(block)) == read_varint(block, 0)[0]
