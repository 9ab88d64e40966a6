"""Read a push body that the typed decoder refused, entry by entry, and say of each bad entry what is wrong."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from logpulse.batch import text_column
from logpulse.errors import BodyFormatError, InvalidRequestError, LimitExceededError, LogPulseError, shorten
from logpulse.limits import STREAMS_PER_PUSH
from logpulse.model.labels import Labels, scrub
from logpulse.wire.columns import Columns, FaultSink
from logpulse.wire.lenient_json import read_leniently
from logpulse.wire.text_pairs import text_pairs
from logpulse.wire.timestamps import TimeValue, decode_times


def salvage(
    body: bytes, cause: Exception, make_labels: Callable[[dict[str, str]], Labels], reject: FaultSink, now_ns: int
) -> tuple[list[Labels | None], Columns]:
    """Sort the entries of `body` into readable columns and calls of `reject(stream, entry, reason)`.

    `now_ns` (unix nanoseconds) is the time of entries without one.

    Lone surrogates, legal in JSON text and impossible in UTF-8, become U+FFFD.

    Raises:
        BodyFormatError: the body is no JSON object with a list `streams`, or longer than SALVAGE_BYTES; says where it
            breaks.
        LimitExceededError: it names too many streams.
    """
    streams = _streams(body, cause)
    if len(streams) > STREAMS_PER_PUSH:
        raise LimitExceededError("streams per push", STREAMS_PER_PUSH, len(streams))
    labels: list[Labels | None] = []
    places: list[tuple[int, int]] = []
    times: list[TimeValue] = []
    lines: list[str] = []
    metadata: list[dict[str, str] | None] = []
    for index, stream in enumerate(streams):
        if not isinstance(stream, dict) or not isinstance(entries := stream.get("entries"), list):
            raise BodyFormatError(f"expected a list of entries at $.streams[{index}].entries")
        try:
            labels.append(make_labels(text_pairs(stream.get("labels"), "labels")))
        except LogPulseError as error:
            labels.append(None)
            for place in range(len(entries)):
                reject(index, place, str(error))
            continue
        for place, entry in enumerate(entries):
            try:
                line, time, pairs = _entry(entry)
            except (InvalidRequestError, _BadEntryError) as fault:
                reject(index, place, str(fault))
                continue
            places.append((index, place))
            lines.append(line)
            times.append(time)
            metadata.append(pairs)
    at = np.array(places, dtype=np.int64).reshape(-1, 2)
    timed = decode_times(times, now_ns)
    return labels, Columns(at[:, 0], at[:, 1], *timed, text_column(lines), metadata if any(metadata) else None)


class _BadEntryError(Exception):
    """Carry why one entry is refused."""


def _streams(body: bytes, cause: Exception) -> list[object]:
    if not body.strip():
        raise BodyFormatError('the body is empty; send {"streams":[{"labels":{…},"entries":[{"line":"…"}]}]}')
    document = read_leniently(body, cause)
    streams = document.get("streams") if isinstance(document, dict) else None
    if not isinstance(streams, list):
        raise BodyFormatError(f"the body is not a push: {cause}")
    return streams


def _entry(entry: object) -> tuple[str, TimeValue, dict[str, str] | None]:
    if not isinstance(entry, dict):
        raise _BadEntryError(f"entry: must be an object, got {shorten(entry)}")
    line, time, pairs = entry.get("line"), entry.get("ts"), entry.get("metadata")
    if not isinstance(line, str):
        raise _BadEntryError(f"line: must be text, got {shorten(line)}")
    if time is not None and (isinstance(time, bool) or not isinstance(time, str | int | float)):
        raise _BadEntryError(f"ts: must be text or a number, got {shorten(time)}")
    return (
        scrub(line),
        scrub(time) if isinstance(time, str) else time,
        None if pairs is None else text_pairs(pairs, "metadata"),
    )
