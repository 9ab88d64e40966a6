"""The export command: all entries of a query, oldest first, written as they arrive."""

from __future__ import annotations

import time
from collections.abc import Callable

import attrs
import msgspec

from logpulse.client.api import ApiClient, LogQuery
from logpulse.client.coverage import Stretch
from logpulse.client.failure import UnexpectedAnswerError
from logpulse.client.figures import format_count
from logpulse.client.progress import Progress
from logpulse.client.render import JsonLines
from logpulse.client.wire import EntryKey
from logpulse.errors import InvalidRequestError
from logpulse.units import format_byte_size, parse_rfc3339

_KEY = msgspec.json.Decoder(EntryKey)


@attrs.define
class Exported:
    """Count what was exported, for whoever asks at the end, however that comes; `bytes` are those of the JSON."""

    entries: int = 0
    bytes: int = 0
    _began: float = attrs.field(factory=time.monotonic)

    def __str__(self) -> str:
        seconds = time.monotonic() - self._began
        entries = format_count(self.entries, "entry", "entries")
        return f"exported {entries}, {format_byte_size(self.bytes)} of JSON, in {seconds:.1f} s"


def export(
    client: ApiClient,
    query: LogQuery,
    renderer: JsonLines,
    write: Callable[[bytes], None],
    coverage: Progress[Stretch],
    exported: Exported,
) -> None:
    """Write all entries of a forward log query as JSON, one a line, each once, whatever the connection does.

    `exported` and `coverage` are told of each page after it was written.

    Raises:
        InvalidRequestError: it is a metric query.
        BadQueryError, ServerUnreachableError, ServerRefusedError, UnexpectedAnswerError: as `ApiClient.unbroken_pages`;
            what was written until then is right and complete up to its last entry.
        Exception: whatever `write` raises.
    """
    for page in client.unbroken_pages(query):
        if page.series:
            raise InvalidRequestError("QUERY", query.text, "must be a log query; `logpulse query` shows metric queries")
        if not page.logs:
            continue
        text = renderer.entries(page.logs)
        first, last = _time_of(page.logs[0]), _time_of(page.logs[-1])
        write(text)
        exported.entries += len(page.logs)
        exported.bytes += len(text)
        coverage.advance(Stretch(len(page.logs), len(text), first, last))


def _time_of(entry: msgspec.Raw) -> int:
    try:
        return parse_rfc3339(_KEY.decode(entry).timestamp)
    except (msgspec.DecodeError, InvalidRequestError) as error:
        raise UnexpectedAnswerError("the server", f"sent an entry that cannot be read: {error}") from error
