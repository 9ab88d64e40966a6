"""Bodies of Loki's push in JSON: today's shape, and the one before it, which old senders still use."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec

from logpulse.batch import Int64Array, text_column
from logpulse.errors import BodyFormatError
from logpulse.model.labels import scrub
from logpulse.wire.columns import Columns, LabelledColumns, places
from logpulse.wire.json_bound import check_strings
from logpulse.wire.lenient_json import read_leniently
from logpulse.wire.text_pairs import text_pairs
from logpulse.wire.timestamps import decode_nanoseconds, decode_times

_T = TypeVar("_T")


class Value(msgspec.Struct, array_like=True, gc=False):
    """One entry: `["<unix nanoseconds>", "<line>", {metadata}]`; what follows is ignored."""

    ts: str
    line: str
    metadata: dict[str, str] | msgspec.UnsetType = msgspec.UNSET


class Stream(msgspec.Struct, gc=False):
    """One stream; its labels stay raw, because the same ones come again and again."""

    stream: msgspec.Raw = msgspec.Raw(b"{}")
    values: list[Value | None] | None = None


class Body(msgspec.Struct):
    """A body of POST /loki/api/v1/push."""

    streams: list[Stream | None] | None = None


class LegacyEntry(msgspec.Struct, gc=False):
    """One entry of the legacy shape; `ts` is RFC 3339."""

    ts: str
    line: str


class LegacyStream(msgspec.Struct, gc=False):
    """One stream of the legacy shape; `labels` is text: `{app="x"}`."""

    labels: str = "{}"
    entries: list[LegacyEntry | None] | None = None


class LegacyBody(msgspec.Struct):
    """A body of POST /api/prom/push."""

    streams: list[LegacyStream | None] | None = None


_BODY: Final = msgspec.json.Decoder(Body)
_LEGACY_BODY: Final = msgspec.json.Decoder(LegacyBody)
_LABELS: Final = msgspec.json.Decoder(object)


def read_json(body: bytes) -> LabelledColumns:
    """Read today's shape; the label texts are JSON objects. Null for an entry, a stream or a list of them is nothing.

    Raises:
        BodyFormatError: it is no such body; says where. Nothing of it can be stored then.
    """
    streams = [stream for stream in _decode(_BODY, body).streams or () if stream is not None]
    held = [[value for value in stream.values or () if value is not None] for stream in streams]
    values = [value for each in held for value in each]
    metadata = [value.metadata or None for value in values]
    return _labelled(
        [bytes(stream.stream) for stream in streams],
        [len(each) for each in held],
        decode_nanoseconds([value.ts for value in values]),
        [value.line for value in values],
        metadata if any(metadata) else None,
    )


def read_legacy_json(body: bytes) -> LabelledColumns:
    """Read the legacy shape; the label texts are as in `label_text.py`.

    Raises:
        BodyFormatError: as `read_json`.
    """
    streams = [stream for stream in _decode(_LEGACY_BODY, body).streams or () if stream is not None]
    held = [[entry for entry in stream.entries or () if entry is not None] for stream in streams]
    entries = [entry for each in held for entry in each]
    return _labelled(
        [stream.labels.encode() for stream in streams],
        [len(each) for each in held],
        decode_times([entry.ts for entry in entries], 0),
        [entry.line for entry in entries],
        None,
    )


def read_label_object(text: bytes) -> dict[str, str]:
    """Read the labels of a stream of today's shape, a JSON object with text values.

    Raises:
        BodyFormatError, InvalidRequestError: it is something else.
    """
    return text_pairs(_decode(_LABELS, text), "labels")


def _labelled(
    labels: Sequence[bytes],
    sizes: Sequence[int],
    timed: tuple[Int64Array, Sequence[tuple[int, str]]],
    lines: Sequence[str],
    metadata: Sequence[dict[str, str] | None] | None,
) -> LabelledColumns:
    return LabelledColumns(labels, sizes, Columns(*places(sizes), *timed, text_column(lines), metadata))


def _decode(decoder: msgspec.json.Decoder[_T], body: bytes) -> _T:
    check_strings(body)
    try:
        return _typed(decoder, body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # Loki takes lone surrogates, and bytes that are no UTF-8; msgspec does not.
        cause = ValueError("the body is no UTF-8") if isinstance(error, UnicodeDecodeError) else error
        document = read_leniently(body.decode("utf-8", "replace").encode(), cause)
        return _typed(decoder, scrub(json.dumps(document, ensure_ascii=False)).encode())


def _typed(decoder: msgspec.json.Decoder[_T], body: bytes) -> _T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise BodyFormatError(f"the body is not a push: {error}") from None
