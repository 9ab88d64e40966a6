"""The live tail: a connection, opened again for as long as the operator wants, and no entry lost or shown twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from email.utils import parsedate_to_datetime
from typing import NoReturn

import attrs
import msgspec
import trio

from logpulse.client.address import ServerAddress
from logpulse.client.api import bad_query, read_problem
from logpulse.client.failure import ServerRefusedError, ServerUnreachableError, StreamEndedError, UnexpectedAnswerError
from logpulse.client.resume import TailMemory
from logpulse.client.stream import Headers, Listener, listen
from logpulse.client.wire import Frame
from logpulse.errors import InvalidRequestError, LogPulseError
from logpulse.limits import RETRY_MOST_SECONDS, SECOND_NS
from logpulse.model.backoff import Backoff
from logpulse.units import format_time

_FRAME = msgspec.json.Decoder(Frame)
_RAW_ENTRIES = msgspec.json.Decoder(list[msgspec.Raw])
_TOO_BIG = 1009  # a frame of many long lines may be; one entry alone never is
_PASSING = frozenset((408, 425, 429, 500, 502, 503, 504))


@attrs.frozen
class NewestEntries:
    """Begin a tail with the newest `count` entries."""

    count: int


@attrs.frozen
class EntriesSince:
    """Begin a tail with all entries from `start`, unix nanoseconds."""

    start: int


@attrs.frozen
class TailRequest:
    """Say what to follow: a LogQL log query, and what of the past comes first."""

    query: str
    history: NewestEntries | EntriesSince


class Tail:
    """Follow a query on one server for ever, through restarts of the server and failures of the network.

    `show` gets entries as the server sent them, each once. `notify` gets one line of text for whatever the operator
    must know: entries the server dropped, a lost connection, one regained.
    """

    def __init__(
        self,
        server: ServerAddress,
        request: TailRequest,
        show: Callable[[Sequence[msgspec.Raw]], None],
        notify: Callable[[str], None],
        *,
        clock: Callable[[], int] = time.time_ns,
        backoff: Backoff | None = None,
    ) -> None:
        self._server = server
        self._request = request
        self._show = show
        self._notify = notify
        self._clock = clock
        self._clock_ahead = 0  # nanoseconds that the server's clock is ahead of this machine's
        self._memory = TailMemory(begin=request.history.start if isinstance(request.history, EntriesSince) else None)
        self._backoff = backoff or Backoff()
        self._batched = True
        self._lost = False

    async def run(self) -> NoReturn:
        """Follow until cancelled.

        What fails before the server has begun to stream is raised: a wrong URL does not mend itself. Later on only a
        refusal of the query or of the key ends the tail.

        Raises:
            BadQueryError: the server does not understand the query.
            ServerUnreachableError, ServerRefusedError, UnexpectedAnswerError: as their names say.
            Exception: whatever `show` and `notify` raise, in a group.
        """
        while True:
            began = trio.current_time()
            failure = await self._connection()
            if self._memory.resume_from() is None or not _passes(failure):
                raise failure
            if isinstance(failure, StreamEndedError) and failure.code == _TOO_BIG:
                self._batched = False
            if trio.current_time() - began > RETRY_MOST_SECONDS:
                self._backoff.reset()
            if not self._lost:
                self._lost = True
                self._notify(f"{failure}; connecting again")
            retry_after = failure.retry_after if isinstance(failure, ServerRefusedError) else None
            await trio.sleep(self._backoff.next_wait(retry_after))

    async def _connection(self) -> LogPulseError:
        """Follow over one connection, and give what ended it."""
        try:
            await listen(self._server, self._parameters(), Listener(self._opened, self._received))
        except LogPulseError as failure:
            return failure

    def _parameters(self) -> dict[str, str]:
        parameters = {"query": self._request.query, "batch": "1" if self._batched else "0"}
        resume_from = self._memory.resume_from()
        match self._request.history:
            case _ if resume_from is not None:
                parameters["start"] = format_time(resume_from)
            case EntriesSince(start=start):
                parameters["start"] = format_time(start)
            case NewestEntries(count=count) if count:
                parameters["tail"] = str(count)
        return parameters

    def _opened(self, headers: Headers) -> None:
        """Learn the server's clock from its Date header, in whole seconds: erring to the past is safe."""
        try:
            moment = parsedate_to_datetime(headers["date"])
        except (KeyError, ValueError):
            return
        self._clock_ahead = int(moment.timestamp()) * SECOND_NS - self._clock()

    def _received(self, message: str | bytes) -> None:
        """Act on one frame; one of a type unknown to this version is only a sign of life."""
        try:
            frame = _FRAME.decode(message)
            match frame.type:
                case "log":
                    self._take([frame.data])
                case "logs":
                    self._take(_RAW_ENTRIES.decode(frame.data))
                case "connected":
                    self._connected()
                case "dropped" if frame.at_least:
                    self._notify(
                        f"entries between {frame.from_} and {frame.to} are not shown: "
                        "there are more than a tail begins with; find them with logpulse query"
                    )
                case "dropped":
                    self._notify(
                        f"{frame.count:,} entries dropped by the server between {frame.from_} and {frame.to}: "
                        "more matches than this tail can take; narrow the query"
                    )
                case "error":
                    self._refused(message)
        except (msgspec.DecodeError, InvalidRequestError) as error:
            route = self._server.route("stream")
            raise UnexpectedAnswerError(route, f"sent a frame that cannot be read: {error}") from error
        self._memory.heard(self._server_time())

    def _connected(self) -> None:
        self._memory.connected(self._server_time())
        if self._lost:
            self._lost = False
            self._notify("connected again")

    def _server_time(self) -> int:
        return self._clock() + self._clock_ahead

    def _take(self, entries: Sequence[msgspec.Raw]) -> None:
        fresh = self._memory.unseen(entries)
        if fresh:
            self._show(fresh)

    def _refused(self, message: str | bytes) -> None:
        """Tell a refusal of the query from trouble of the server: the one comes first or names a place in the query."""
        problem = read_problem(message.encode() if isinstance(message, str) else message)
        refused = bad_query(self._request.query, problem, "the server sent an error without a reason")
        if problem.position is not None or self._memory.resume_from() is None:
            raise refused
        self._notify(f"the server reports: {refused.reason}")


def _passes(failure: LogPulseError) -> bool:
    """Tell whether waiting can mend what ended a connection."""
    match failure:
        case ServerUnreachableError():
            return True
        case ServerRefusedError(status=status):
            return status in _PASSING
        case _:
            return False
