"""/context: the entries around one entry in its stream. Its names are a contract; see docs/api.md."""

from __future__ import annotations

from typing import Final

import attrs
import msgspec
from quart import Blueprint, Response

from logpulse.errors import InvalidRequestError
from logpulse.http.bodies import read_single_parameters
from logpulse.http.context import Services
from logpulse.http.entry_json import EntryJson, entry_json
from logpulse.http.query_parameters import Parameters, read_number
from logpulse.http.query_response import query_response
from logpulse.limits import CONTEXT_ENTRIES
from logpulse.query.entry_level import LevelOf
from logpulse.query.interrupt import Interrupt
from logpulse.query.surroundings import EntryId, Surroundings
from logpulse.units import parse_time

_AROUND: Final = 10


@attrs.frozen
class ContextRequest:
    """Ask for so many entries before and after one."""

    anchor: EntryId
    before: int
    after: int


class ContextJson(msgspec.Struct):
    """Entries with the oldest first; whether the one asked for is among them, and whether there are more."""

    entries: list[EntryJson]
    found: bool
    earlier: bool
    later: bool


def entry_context(services: Services) -> Blueprint:
    """Make the route."""
    routes = Blueprint("entry_context", __name__)

    @routes.route("/context", methods=["GET", "POST"])
    async def context() -> Response:
        asked = read_context_request(await read_single_parameters())

        def answer(interrupt: Interrupt) -> bytes:
            found = services.engine.surroundings(asked.anchor, asked.before, asked.after, interrupt)
            return _context_json(found, services.level_of)

        return await query_response(services, "context", answer)

    return routes


def read_context_request(parameters: Parameters) -> ContextRequest:
    """Read the parameters. The id names the stream and the time; `labels` and `timestamp` are those shown with it.

    Raises:
        InvalidRequestError: one is malformed, or the time is another one than that of the id.
    """
    anchor = EntryId.parse(parameters.get("id", ""))
    time = parameters.get("timestamp", "")
    if time and parse_time(time, field="timestamp") != anchor.timestamp:
        raise InvalidRequestError("timestamp", time, "must be that of the entry that `id` names")
    labels = parameters.get("labels", "")
    if labels:
        # What they are does not matter: those that a pipeline shows are not always those of the stream.
        try:
            msgspec.json.decode(labels, type=dict[str, str])
        except msgspec.DecodeError:
            raise InvalidRequestError("labels", labels, 'must be a JSON object such as {"service":"api"}') from None
    before = read_number(parameters, "before", _AROUND, 0, CONTEXT_ENTRIES)
    return ContextRequest(anchor, before, read_number(parameters, "after", _AROUND, 0, CONTEXT_ENTRIES))


def _context_json(found: Surroundings, level_of: LevelOf) -> bytes:
    entries = [entry_json(entry, level_of) for entry in found.entries]
    return msgspec.json.encode(ContextJson(entries, found.is_found, found.has_earlier, found.has_later))
