"""The frames of a live tail, both ways."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from logpulse.errors import BodyFormatError, LogPulseError
from logpulse.http.entry_json import EntryJson, entry_json
from logpulse.http.problems import problem_body
from logpulse.http.tail_history import LeftOut
from logpulse.limits import FRAME_BYTES, FRAME_ENTRIES
from logpulse.query.entry_level import LevelOf
from logpulse.query.result import Entry
from logpulse.services.subscriber import Dropped
from logpulse.units import format_time

FrameId = int | str


class ClientFrame(msgspec.Struct):
    """A request of the client."""

    type: Literal["filter", "pause", "resume"]
    labels: dict[str, str] | None = None
    query: str | None = None
    id: FrameId | None = None


class LogFrame(msgspec.Struct, tag="log"):
    """One entry."""

    data: EntryJson


class LogsFrame(msgspec.Struct, tag="logs"):
    """Several entries, in batch mode."""

    data: list[msgspec.Raw]


_DECODER = msgspec.json.Decoder(ClientFrame)
_ENCODER = msgspec.json.Encoder()


def decode_client_frame(data: str | bytes) -> ClientFrame:
    """Read a frame of the client.

    Raises:
        BodyFormatError: it is none.
    """
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BodyFormatError(f'expected {{"type":"filter"|"pause"|"resume", …}}: {error}') from error


def log_frames(entries: Sequence[Entry], level: LevelOf) -> Iterator[bytes]:
    """Write each entry as a frame of its own."""
    for entry in entries:
        yield _ENCODER.encode(LogFrame(entry_json(entry, level)))


def logs_frames(entries: Sequence[Entry], level: LevelOf) -> Iterator[bytes]:
    """Write entries as few frames, each of at most FRAME_ENTRIES and, unless it is a single one, FRAME_BYTES."""
    held: list[msgspec.Raw] = []
    size = 0
    for entry in entries:
        text = _ENCODER.encode(entry_json(entry, level))
        if len(held) == FRAME_ENTRIES or (held and size + len(text) > FRAME_BYTES):
            yield _ENCODER.encode(LogsFrame(held))
            held, size = [], 0
        held.append(msgspec.Raw(text))
        size += len(text) + 1
    if held:
        yield _ENCODER.encode(LogsFrame(held))


def connected_frame(shown_filter: dict[str, str]) -> bytes:
    """Greet the client."""
    return _frame("connected", message="Connected to log stream", filter=shown_filter, id=0)


def filter_updated_frame(shown_filter: dict[str, str], frame_id: FrameId) -> bytes:
    """Confirm a new filter."""
    return _frame("filter_updated", filter=shown_filter, id=frame_id)


def acknowledgement_frame(kind: Literal["paused", "resumed"], frame_id: FrameId | None) -> bytes:
    """Confirm a pause or its end."""
    return _frame(kind) if frame_id is None else _frame(kind, id=frame_id)


def dropped_frame(dropped: Dropped) -> bytes:
    """Report a loss."""
    oldest, newest = format_time(dropped.oldest), format_time(dropped.newest)
    return _ENCODER.encode({"type": "dropped", "count": dropped.count, "from": oldest, "to": newest})


def left_out_frame(left_out: LeftOut) -> bytes:
    """Report that the history is longer than what is sent of it."""
    oldest, newest = format_time(left_out.oldest), format_time(left_out.newest)
    return _frame("dropped", count=1, atLeast=True, **{"from": oldest, "to": newest})


def error_frame(error: LogPulseError, frame_id: FrameId | None) -> bytes:
    """Report a bad request; the tail goes on as it was."""
    body = problem_body(error)
    body["message"] = body.pop("error")
    if frame_id is not None:
        body["id"] = frame_id
    return _frame("error", **body)


def heartbeat_frame(now_ns: int) -> bytes:
    """Show that the server is alive."""
    return _frame("heartbeat", time=format_time(now_ns))


def _frame(kind: str, **fields: object) -> bytes:
    return _ENCODER.encode({"type": kind, **fields})
