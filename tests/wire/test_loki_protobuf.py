"""Loki's protobuf: the fast reader and the general one agree, and nothing malformed passes for something else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from logpulse.errors import BodyFormatError
from logpulse.wire.loki_protobuf import _read_common, _read_common_pairs, _read_entry, read_protobuf

from ..loki_bodies import entry, integer, nested, pair, stamp, stream, text, varint
from ..strategies import NOON, texts

unknown_fields = st.sampled_from(
    [
        integer(9, 300),
        nested(4, nested(1, b"parsed") + nested(2, b"x")),  # `parsed`, which is not read
        varint(15 << 3 | 1) + bytes(8),
        varint(15 << 3 | 5) + bytes(4),
        varint(15 << 3 | 3) + integer(1, 5) + varint(16 << 3 | 3) + varint(16 << 3 | 4) + varint(15 << 3 | 4),
        varint(2 << 3) + varint(7),  # the line's number with another type
    ]
)
parts = st.one_of(
    st.integers(-5, 2**40 * 10**9).map(stamp),
    st.integers(0, 2**63 // 10**9).map(lambda seconds: nested(1, integer(1, seconds))),
    st.integers(0, 10**9).map(lambda nanos: nested(1, integer(2, nanos))),
    st.binary(max_size=3).map(lambda odd: nested(2, odd)),
    texts.map(lambda line: text(2, line)),
    st.sampled_from([0, 127, 128, 129, 16383, 16384, 70_000]).map(lambda size: nested(2, b"x" * size)),
    st.tuples(texts, texts).map(lambda each: pair(*each)),
    st.tuples(texts, texts).map(lambda each: nested(3, nested(2, each[1].encode()) + nested(1, each[0].encode()))),
    st.just(nested(3, b"")),
    unknown_fields,
)
common_entries = st.builds(
    entry, st.integers(0, 2**40 * 10**9), texts, st.dictionaries(texts.filter(bool), texts, max_size=2)
)
entries = st.one_of(common_entries, st.lists(parts, max_size=5).map(b"".join))


@given(st.lists(entries, min_size=1, max_size=5), st.binary(max_size=40))
@settings(max_examples=500)
@example([stamp(NOON) + nested(2, b"x"), stamp(NOON) + nested(2, b"y") + b"\x1a\x00"], b"")
def test_the_common_form_is_read_as_any_other(contents: list[bytes], behind: bytes) -> None:
    data = b"".join(contents) + behind
    stops = np.cumsum([len(each) for each in contents])
    starts = stops - [len(each) for each in contents]
    times, line_starts, line_stops, is_common = _read_common(data, starts, stops)
    for row, stop in enumerate(stops.tolist()):
        if not is_common[row]:
            continue
        time, line, pairs = _read_entry(data, int(starts[row]), stop)
        ahead = _read_common_pairs(data, int(line_stops[row]), stop)
        if ahead is not None:
            assert (times[row], data[line_starts[row] : line_stops[row]]) == (time, line)
            assert (ahead or None) == pairs


@pytest.mark.parametrize("line", ["", "x", "x" * 127, "x" * 128, "é" * 9000])
@pytest.mark.parametrize("time_ns", [NOON, NOON + 1, NOON + 127, NOON + 128, NOON + 999_999_999])
def test_what_senders_write_is_the_common_form(line: str, time_ns: int) -> None:
    data = entry(time_ns, line)
    times, starts, stops, is_common = _read_common(data, np.array([0]), np.array([len(data)]))
    assert is_common.tolist() == [line != ""], "an empty line is absent on the wire"
    if line:
        assert (times.tolist(), data[starts[0] : stops[0]].decode()) == ([time_ns], line)


def test_fields_in_any_order_repeated_and_unknown() -> None:
    odd = integer(9, 1) + pair("a", "1") + nested(2, b"first") + nested(1, integer(2, 5))
    odd += nested(2, b"last") + nested(1, integer(1, NOON // 10**9)) + pair("b", "2")
    found = read_protobuf(
        nested(2, b"format") + nested(1, nested(2, odd) + integer(3, 99) + nested(1, b"{x}") + nested(1, b'{a="b"}'))
    )
    assert found.labels == [b'{a="b"}']
    assert found.columns.times.tolist() == [NOON + 5]
    assert found.columns.lines.to_pylist() == ["last"]
    assert found.columns.metadata == [{"a": "1", "b": "2"}]


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    contents = [
        stamp(NOON) + nested(2, line) for line in (b"a\xffb", b"\xc3", b"\xa9", b"\xed\xa0\x80", b"ok \xc3\xa9")
    ]
    contents.append(stamp(NOON) + nested(2, b"x") + nested(3, nested(1, b"k\xff") + nested(2, b"\xfe")))
    columns = read_protobuf(nested(1, b"".join(nested(2, each) for each in contents))).columns
    mark = "\N{REPLACEMENT CHARACTER}"
    assert columns.lines.to_pylist() == [f"a{mark}b", mark, mark, mark * 3, "ok é", "x"]
    assert columns.metadata is not None
    assert columns.metadata[-1] == {f"k{mark}": mark}


BODY = stream('{a="b"}', entry(NOON, "x" * 200, {"k": "v"}), entry(NOON, "y")) + nested(2, b"format")


@pytest.mark.parametrize("length", range(1, len(BODY)))
def test_a_body_cut_off_anywhere_is_refused_or_ends_between_fields(length: int) -> None:
    whole = len(BODY) - len(nested(2, b"format"))
    if length == whole:
        assert read_protobuf(BODY[:length]).sizes == [2]
        return
    with pytest.raises(BodyFormatError):
        read_protobuf(BODY[:length])


@pytest.mark.parametrize(
    "body",
    [
        nested(1, nested(2, nested(1, b"\x08\x01") + b"\x12\x05abc")),
        nested(1, b"\x12\x05abc") + b"defgh",
        b"\x0a" + b"\xff" * 10 + b"\x01",
        b"\x0f",
        nested(1, b"\x0b" * 50),
        b"\x0a\xff\xff\xff\xff\x7f",
    ],
    ids=repr,
)
def test_malformed_bodies_are_refused(body: bytes) -> None:
    with pytest.raises(BodyFormatError, match="protobuf"):
        read_protobuf(body)


@given(st.data())
@settings(max_examples=300)
def test_damage_raises_nothing_else(data: st.DataObject) -> None:
    damaged = bytearray(BODY)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = read_protobuf(bytes(damaged))
    except BodyFormatError:
        return
    assert sum(found.sizes) == len(found.columns.lines)
    found.columns.lines.validate(full=True)
