"""Bodies of Loki's push in protobuf (package `logproto`), read by column.

The walk from entry to entry is a loop; what stands in an entry is read for all of them at once with numpy, as nearly
all begin alike: the time, then the line. The others are read one by one, by the general rules of protobuf.
"""

from __future__ import annotations

from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from logpulse.batch import Int64Array, encoded_column
from logpulse.errors import BodyFormatError
from logpulse.limits import KIB, NEWEST_NS, SECOND_NS
from logpulse.wire.columns import Columns, LabelledColumns, check_entries, places
from logpulse.wire.protobuf import read_fields, read_varint, skip_value

Metadata = dict[str, str]

# PushRequest { repeated Stream streams = 1 }   Stream { string labels = 1; repeated Entry entries = 2 }
# Entry { Timestamp timestamp = 1; string line = 2; repeated LabelPair structuredMetadata = 3 }
# LabelPair { string name = 1; string value = 2 }   Timestamp { int64 seconds = 1; int32 nanos = 2 }
_FIRST: Final = 0x0A  # the key of a delimited field 1
_SECOND: Final = 0x12
_THIRD: Final = 0x1A
_PAIR_KEYS: Final = (_THIRD, _FIRST, _SECOND)
_FIRST_NUMBER: Final = 0x08  # the key of an integer field 1
_SECOND_NUMBER: Final = 0x10
_UNCHECKED_BYTES: Final = 128 * KIB  # of a stream, between looks at the number of entries
_LOOK_AHEAD: Final = 32  # bytes of an entry that a common form has before its line, and some
_SECONDS_BYTES: Final = 5  # of unix seconds as a varint, from 1978 on
_NEWEST_S: Final = NEWEST_NS // SECOND_NS - 1
_NO_TIME: Final = "ts: is missing"


def read_protobuf(data: bytes) -> LabelledColumns:
    """Read a PushRequest; the label texts are as in `label_text.py`.

    Raises:
        BodyFormatError: it is malformed or cut off. Nothing of it can be stored then.
        LimitExceededError: it has too many entries.
    """
    places_of = _Places()
    try:
        for key, start, stop in read_fields(data, 0, len(data)):
            if key == _FIRST:
                places_of.add_stream(data, start, stop)
        return _labelled(data, places_of)
    except IndexError:
        raise BodyFormatError("unexpected EOF: the protobuf is cut off") from None


@attrs.define(eq=False)
class _Places:
    """Collect where the entries of a body are, and what the streams are called."""

    labels: list[bytes] = attrs.field(factory=list)
    sizes: list[int] = attrs.field(factory=list)
    starts: list[int] = attrs.field(factory=list)
    stops: list[int] = attrs.field(factory=list)

    def add_stream(self, data: bytes, at: int, end: int) -> None:
        labels, held = b"", len(self.starts)
        if data[at : at + 1] == b"\x0a" and data[at + 1] < 0x80:  # the labels come first, and are short
            start, at = at + 2, at + 2 + data[at + 1]
            labels = data[start:at]
        entry, starts, stops = _SECOND, self.starts.append, self.stops.append
        while at < end:
            check_entries(len(self.starts))
            pause = min(end, at + _UNCHECKED_BYTES)
            while at < pause:
                if data[at] == entry:
                    # Written out for lengths of up to two bytes: this is the one loop over all entries.
                    size = data[at + 1]
                    at += 2
                    if size >= 0x80:
                        more = data[at]
                        if more < 0x80:
                            size += (more - 1) << 7
                            at += 1
                        else:
                            size, at = read_varint(data, at - 1)
                    starts(at)
                    at += size
                    stops(at)
                else:
                    key, at = read_varint(data, at)
                    start, at = skip_value(data, at, key)
                    if key == _FIRST:
                        labels = data[start:at]
        if at != end:
            raise BodyFormatError("unexpected EOF: a stream of the protobuf is cut off")
        self.labels.append(labels)
        self.sizes.append(len(self.starts) - held)


def _labelled(data: bytes, found: _Places) -> LabelledColumns:
    starts, stops = np.array(found.starts, dtype=np.int64), np.array(found.stops, dtype=np.int64)
    times, line_starts, line_stops, is_common = _read_common(data, starts, stops)
    lines = [data[start:stop] for start, stop in zip(line_starts.tolist(), line_stops.tolist(), strict=True)]
    timeless: list[tuple[int, str]] = []
    metadata: list[Metadata | None] = [None] * len(lines)
    for row in np.flatnonzero(is_common & (line_stops < stops)).tolist():
        metadata[row] = _read_common_pairs(data, int(line_stops[row]), found.stops[row])
        is_common[row] = metadata[row] is not None
    for row in np.flatnonzero(~is_common).tolist():
        time, lines[row], metadata[row] = _read_entry(data, found.starts[row], found.stops[row])
        if isinstance(time, str):
            timeless.append((row, time))
            time = 0
        times[row] = time
    columns = Columns(*places(found.sizes), times, timeless, encoded_column(lines), metadata if any(metadata) else None)
    return LabelledColumns(found.labels, found.sizes, columns)


def _read_common(
    data: bytes, starts: Int64Array, stops: Int64Array
) -> tuple[Int64Array, Int64Array, Int64Array, npt.NDArray[np.bool_]]:
    """Read times and lines of the entries that begin with the two; the last array tells which these are."""
    padded = np.frombuffer(data + bytes(_LOOK_AHEAD), dtype=np.uint8)

    def byte(offset: int | Int64Array) -> Int64Array:
        column: Int64Array = padded[starts + offset].astype(np.int64)
        return column

    size = byte(1)  # of the Timestamp: a key, the seconds, and if there are any a key and the nanoseconds
    nano_bytes = size - (_SECONDS_BYTES + 2)
    common = (
        (byte(0) == _FIRST) & (byte(2) == _FIRST_NUMBER) & ((nano_bytes == -1) | ((nano_bytes > 0) & (nano_bytes < 6)))
    )
    seconds = np.zeros(len(starts), dtype=np.int64)
    for place in range(_SECONDS_BYTES):
        part = byte(3 + place)
        common &= (part >= 0x80) == (place < _SECONDS_BYTES - 1)
        seconds |= (part & 0x7F) << 7 * place
    nanos = np.zeros(len(starts), dtype=np.int64)
    common &= (nano_bytes < 0) | (byte(3 + _SECONDS_BYTES) == _SECOND_NUMBER)
    for place in range(5):
        part = np.where(place < nano_bytes, byte(4 + _SECONDS_BYTES + place), 0)
        common &= (place >= nano_bytes) | ((part >= 0x80) == (place < nano_bytes - 1))
        nanos |= (part & 0x7F) << 7 * place
    common &= (seconds <= _NEWEST_S) & (nanos < SECOND_NS)
    line = np.where(common, size + 2, 0)
    first, second, third = (byte(line + offset) for offset in (1, 2, 3))
    length_bytes = 1 + (first >= 0x80).astype(np.int64) + ((first >= 0x80) & (second >= 0x80))
    length = (
        (first & 0x7F)
        | np.where(length_bytes > 1, (second & 0x7F) << 7, 0)
        | np.where(length_bytes > 2, third << 14, 0)
    )
    line_starts = starts + line + 1 + length_bytes
    common &= (byte(line) == _SECOND) & ((length_bytes < 3) | (third < 0x80)) & (line_starts + length <= stops)
    return seconds * SECOND_NS + nanos, line_starts, line_starts + np.where(common, length, 0), common


def _read_common_pairs(data: bytes, at: int, end: int) -> Metadata | None:
    """Read pairs with lengths of one byte each up to the end of an entry; None if there is anything else."""
    pairs = Metadata()
    while at < end:
        if at + 4 > end or (value_at := at + 4 + data[at + 3]) + 2 > end:
            return None
        stop = value_at + 2 + data[value_at + 1]
        keys = data[at], data[at + 2], data[value_at]
        if keys != _PAIR_KEYS or stop > end or stop != at + 2 + data[at + 1] or data[at + 1] >= 0x80:
            return None
        try:
            pairs[data[at + 4 : value_at].decode()] = data[value_at + 2 : stop].decode()
        except UnicodeDecodeError:
            return None
        at = stop
    return pairs


def _read_entry(data: bytes, at: int, end: int) -> tuple[int | str, bytes, Metadata | None]:
    """Read any entry; in place of its time it may give the reason why there is none."""
    line, pairs, stamp = b"", Metadata(), None
    for key, start, stop in read_fields(data, at, end):
        if key == _FIRST:
            stamp = _read_stamp(data, start, stop, stamp or (0, 0))
        elif key == _SECOND:
            line = data[start:stop]
        elif key == _THIRD:
            name, value = _read_pair(data, start, stop)
            pairs[name] = value
    if stamp is None:
        return _NO_TIME, line, pairs or None
    seconds, nanos = stamp
    if not (abs(seconds) <= _NEWEST_S and 0 <= nanos < SECOND_NS):
        return f"ts: {seconds} s and {nanos} ns are no point in time", line, pairs or None
    return seconds * SECOND_NS + nanos, line, pairs or None


def _read_stamp(data: bytes, at: int, end: int, stamp: tuple[int, int]) -> tuple[int, int]:
    seconds, nanos = stamp  # a message that occurs twice is merged
    for key, start, _ in read_fields(data, at, end):
        if key == _FIRST_NUMBER:
            seconds = _signed(read_varint(data, start)[0], 64)
        elif key == _SECOND_NUMBER:
            nanos = _signed(read_varint(data, start)[0], 32)
    return seconds, nanos


def _signed(number: int, bits: int) -> int:
    number &= (1 << bits) - 1
    return number - (1 << bits) if number >> (bits - 1) else number


def _read_pair(data: bytes, at: int, end: int) -> tuple[str, str]:
    name = value = b""
    for key, start, stop in read_fields(data, at, end):
        if key == _FIRST:
            name = data[start:stop]
        elif key == _SECOND:
            value = data[start:stop]
    return name.decode("utf-8", "replace"), value.decode("utf-8", "replace")
