"""Bodies of Loki's push as senders write them: a small encoder of its own, which shares nothing with the reader."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pyarrow as pa

SECOND_NS = 1_000_000_000

Value = tuple[int, str] | tuple[int, str, Mapping[str, str]]
Streams = Sequence[tuple[Mapping[str, str], Sequence[Value]]]


def json_body(streams: Streams) -> bytes:
    """Write today's JSON."""
    written = [
        {"stream": dict(labels), "values": [[str(value[0]), *value[1:]] for value in values]}
        for labels, values in streams
    ]
    return json.dumps({"streams": written}).encode()


def legacy_body(labels: str, *entries: tuple[str, str]) -> bytes:
    """Write the legacy JSON of one stream; entries are RFC 3339 text and line."""
    return json.dumps(
        {"streams": [{"labels": labels, "entries": [{"ts": ts, "line": line} for ts, line in entries]}]}
    ).encode()


def snappy(content: bytes) -> bytes:
    """Pack a raw block."""
    return bytes(pa.compress(content, "snappy", asbytes=True))


def varint(number: int) -> bytes:
    """Write an integer, negative ones in ten bytes."""
    number &= (1 << 64) - 1
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])


def integer(field: int, number: int) -> bytes:
    """Write an integer field; the default is absent."""
    return varint(field << 3) + varint(number) if number else b""


def nested(field: int, content: bytes) -> bytes:
    """Write a text or message field, also an empty one."""
    return varint(field << 3 | 2) + varint(len(content)) + content


def text(field: int, content: str) -> bytes:
    """Write a text field; the default is absent."""
    return nested(field, content.encode()) if content else b""


def stamp(time_ns: int) -> bytes:
    """Write a Timestamp as field 1."""
    return nested(1, integer(1, time_ns // SECOND_NS) + integer(2, time_ns % SECOND_NS))


def pair(name: str, value: str, field: int = 3) -> bytes:
    """Write a LabelPair, by default as metadata."""
    return nested(field, text(1, name) + text(2, value))


def entry(time_ns: int, line: str, metadata: Mapping[str, str] | None = None) -> bytes:
    """Write the content of an Entry, in the order in which every known sender writes it."""
    pairs = b"".join(pair(name, value) for name, value in (metadata or {}).items())
    return stamp(time_ns) + text(2, line) + pairs


def stream(labels: str, *entries: bytes) -> bytes:
    """Write a Stream as field 1 of a PushRequest."""
    return nested(1, text(1, labels) + b"".join(nested(2, each) for each in entries))


def label_text(labels: Mapping[str, str]) -> str:
    """Write labels as Go does."""
    return "{" + ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels.items()) + "}"


def protobuf_body(streams: Streams) -> bytes:
    """Write a PushRequest, not yet packed."""
    return b"".join(
        stream(
            label_text(labels), *(entry(value[0], value[1], value[2] if len(value) > 2 else None) for value in values)
        )
        for labels, values in streams
    )
