"""The server's HTTP API as the commands that ask and end use it: one request at a time, errors mapped once."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urlencode

import attrs
import httpx
import msgspec

from logpulse.client.address import ServerAddress
from logpulse.client.failure import (
    BadQueryError,
    ServerRefusedError,
    ServerUnreachableError,
    UnexpectedAnswerError,
    reason_of,
)
from logpulse.client.seam import Seam, may_repeat
from logpulse.client.window import TimeWindow
from logpulse.client.wire import IndexStats, Page, Problem, Sample, SeriesList, VectorAnswer
from logpulse.limits import ANSWER_SECONDS, CONNECT_SECONDS, ERROR_TEXT_BYTES, PAGE_ENTRIES, RETRIES, URL_QUERY_BYTES
from logpulse.model.backoff import Backoff, parse_retry_after

_Answer = TypeVar("_Answer")
TIMEOUT = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
_LOKI = ("loki", "api", "v1")
BUSY = frozenset((429, 503))


class Direction(enum.Enum):
    """Which entries come first."""

    BACKWARD = "backward"
    FORWARD = "forward"


@attrs.frozen
class LogQuery:
    """Ask for the entries of a LogQL query, or its series; `step` is a duration, empty for the server's choice."""

    text: str
    window: TimeWindow
    direction: Direction = Direction.BACKWARD
    step: str = ""

    def parameters(self) -> dict[str, str]:
        """Give the query as the API takes it."""
        step = {"step": self.step} if self.step else {}
        return {"query": self.text, "direction": self.direction.value, **self.window.parameters(), **step}


class ApiClient:
    """Ask one server, over one connection, as a context manager.

    A server too busy to answer (429, 503) is asked again after the wait it names, at most RETRIES times in a row;
    `notify` is told before each wait. Every request here only reads, so asking again changes nothing.
    """

    def __init__(
        self,
        server: ServerAddress,
        notify: Callable[[str], None],
        *,
        page_entries: int = PAGE_ENTRIES,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._server = server
        self._notify = notify
        self._page_entries = page_entries
        self._sleep = sleep
        self._http = httpx.Client(headers=server.headers, timeout=TIMEOUT, verify=server.trust())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def pages(self, query: LogQuery, most: int | None, after: str | None = None) -> Iterator[Page]:
        """Give the answer page by page in the query's direction, at most `most` entries, None for all there are.

        The next page is asked for only when it is wanted. `after` is a cursor to go on from. Each entry comes once,
        but one that `context` repeats counts each time.

        Raises:
            BadQueryError: the server does not understand the query.
            ServerUnreachableError, ServerRefusedError, UnexpectedAnswerError: as their names say.
        """
        return self._pages(query, most, after, _seam_of(query))

    def _pages(self, query: LogQuery, most: int | None, after: str | None, seam: Seam | None) -> Iterator[Page]:
        cursor = after
        wanted = most
        while True:
            size = self._page_entries if wanted is None else min(self._page_entries, wanted)
            page = self._page(query, size, cursor)
            if wanted is not None:
                wanted -= len(page.logs)
            if page.next is None or (wanted is not None and wanted <= 0):
                yield page if seam is None else seam.closed(page)
                return
            yield page if seam is None else seam.joined(page)
            if page.next == cursor:
                raise UnexpectedAnswerError(self._server.route("query"), f"gave the cursor {cursor!r} twice in a row")
            cursor = page.next

    def unbroken_pages(self, query: LogQuery) -> Iterator[Page]:
        """Give all of an answer as `pages` does, and through lost connections once there has been a page.

        A page comes whole or not at all, so after its cursor there is neither a gap nor a repeat.

        Raises:
            ServerUnreachableError: the server was lost RETRIES times in a row, or never there.
            BadQueryError, ServerRefusedError, UnexpectedAnswerError: as `pages`.
        """
        cursor: str | None = None
        backoff, seam = Backoff(), _seam_of(query)
        while True:
            try:
                for page in self._pages(query, None, cursor, seam):
                    backoff.reset()
                    cursor = page.next
                    yield page
            except ServerUnreachableError as error:
                if cursor is None or backoff.failures >= RETRIES:
                    raise
                self._wait(str(error), backoff.next_wait())
            else:
                return

    def plan(self, query: LogQuery, most: int | None) -> msgspec.Raw:
        """Give how the server would answer a query, as it says it: a `Plan`.

        Raises:
            BadQueryError, ServerUnreachableError, ServerRefusedError, UnexpectedAnswerError: as `pages`.
        """
        size = self._page_entries if most is None else most
        return self._ask(("explain",), query.parameters() | {"limit": str(size)}, query.text, msgspec.Raw)

    def series(self, selector: str, window: TimeWindow) -> list[dict[str, str]]:
        """Give the labels of the streams that `selector` selects, empty for all, in no order.

        Raises:
            BadQueryError, ServerUnreachableError, ServerRefusedError, UnexpectedAnswerError: as `pages`.
        """
        parameters = window.parameters() | ({"match[]": selector} if selector else {})
        return self._ask((*_LOKI, "series"), parameters, selector or None, SeriesList).data

    def index_stats(self, selector: str, window: TimeWindow) -> IndexStats:
        """Give what the streams of a selector hold.

        Raises:
            BadQueryError, ServerUnreachableError, ServerRefusedError, UnexpectedAnswerError: as `pages`.
        """
        return self._ask((*_LOKI, "index", "stats"), window.parameters() | {"query": selector}, selector, IndexStats)

    def volumes(self, selector: str, window: TimeWindow, most: int) -> list[Sample]:
        """Give the bytes of what a selector selects, by the labels that it names, the `most` largest first.

        Raises:
            BadQueryError, ServerUnreachableError, ServerRefusedError, UnexpectedAnswerError: as `pages`.
        """
        parameters = {"query": selector, "limit": str(most), "aggregateBy": "series", **window.parameters()}
        return self._ask((*_LOKI, "index", "volume"), parameters, selector, VectorAnswer).data.result

    def labels(self, window: TimeWindow, selector: str) -> list[str]:
        """Give the names of all labels, sorted; `selector` bounds the streams looked at, empty for all of them.

        Raises:
            BadQueryError, ServerUnreachableError, ServerRefusedError, UnexpectedAnswerError: as `pages`.
        """
        return self._names(("labels",), window, selector)

    def label_values(self, name: str, window: TimeWindow, selector: str) -> list[str]:
        """Give the values of one label, sorted, none if no stream has it.

        Raises:
            BadQueryError, ServerUnreachableError, ServerRefusedError, UnexpectedAnswerError: as `pages`.
        """
        return self._names(("labels", name, "values"), window, selector)

    def _page(self, query: LogQuery, size: int, cursor: str | None) -> Page:
        parameters = query.parameters() | {"limit": str(size)}
        if cursor is not None:
            parameters["cursor"] = cursor
        return self._ask(("query",), parameters, query.text, Page)

    def _names(self, segments: tuple[str, ...], window: TimeWindow, selector: str) -> list[str]:
        parameters = window.parameters() | ({"query": selector} if selector else {})
        return self._ask(segments, parameters, selector or None, list[str])

    def _ask(
        self, segments: tuple[str, ...], parameters: Mapping[str, str], query: str | None, kind: type[_Answer]
    ) -> _Answer:
        url = self._server.route(*segments)
        backoff = Backoff()
        while True:
            answer = self._exchange(url, parameters)
            if answer.status_code not in BUSY or backoff.failures >= RETRIES:
                return decode_answer(answer, url, query, kind)
            wait = backoff.next_wait(parse_retry_after(answer.headers.get("Retry-After"), time.time()))
            self._wait(str(refusal(answer, url)), wait)

    def _wait(self, reason: str, seconds: float) -> None:
        self._notify(f"{reason}; asking again in {seconds:.1f} s")
        self._sleep(seconds)

    def _exchange(self, url: str, parameters: Mapping[str, str]) -> httpx.Response:
        """Send one request: a GET, or a form where the URL would become longer than proxies take."""
        with failures_mapped(self._server.url):
            if len(urlencode(parameters)) > URL_QUERY_BYTES:
                return self._http.post(url, data=dict(parameters))
            return self._http.get(url, params=parameters)


def _seam_of(query: LogQuery) -> Seam | None:
    return Seam(1 if query.direction is Direction.FORWARD else -1) if may_repeat(query.text) else None


@contextmanager
def failures_mapped(url: str) -> Iterator[None]:
    """Raise ServerUnreachableError for whatever httpx meets in an exchange with the server at `url`."""
    try:
        yield
    except httpx.ConnectTimeout as error:
        raise ServerUnreachableError(url, f"no connection within {CONNECT_SECONDS} s") from error
    except httpx.TimeoutException as error:
        raise ServerUnreachableError(url, f"no answer within {ANSWER_SECONDS} s") from error
    except httpx.HTTPError as error:
        raise ServerUnreachableError(url, reason_of(error)) from error


def decode_answer(answer: httpx.Response, url: str, query: str | None, kind: type[_Answer]) -> _Answer:
    """Read a success as `kind`, and raise what anything else means; `query` is the one that was sent, if any was.

    Raises:
        BadQueryError: 400 to a request with a `query`.
        ServerRefusedError: any other status that is no success.
        UnexpectedAnswerError: a success that is not LogPulse's.
    """
    if answer.status_code == httpx.codes.BAD_REQUEST and query is not None:
        raise bad_query(query, _problem_of(answer), answer.reason_phrase)
    if not answer.is_success:
        raise refusal(answer, url)
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except msgspec.DecodeError as error:
        media = answer.headers.get("Content-Type", "no content type")
        raise UnexpectedAnswerError(url, f"answered with {media}, which is not LogPulse's JSON ({error})") from error


def refusal(answer: httpx.Response, url: str) -> ServerRefusedError:
    """Give the server's reason for a status that is no success, or the status's own name."""
    retry_after = parse_retry_after(answer.headers.get("Retry-After"), time.time())
    reason = _problem_of(answer).error or answer.reason_phrase
    if answer.is_redirect:
        # Not followed: the key would go to another host.
        reason = f"it points to {answer.headers['Location']}; give that with --url if it is right"
    return ServerRefusedError(url, answer.status_code, reason, retry_after)


def _problem_of(answer: httpx.Response) -> Problem:
    """Read an error body: JSON, or the plain text that Loki's routes answer with."""
    if answer.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "text/plain":
        return Problem(error=answer.content[:ERROR_TEXT_BYTES].decode("utf-8", "replace").strip())
    return read_problem(answer.content)


def read_problem(body: bytes) -> Problem:
    """Read an error body; whatever a proxy may have sent instead reads as one that says nothing."""
    try:
        return msgspec.json.decode(body, type=Problem)
    except msgspec.DecodeError:
        return Problem()


def bad_query(query: str, problem: Problem, otherwise: str) -> BadQueryError:
    """Give the server's refusal of `query`; `otherwise` is the reason where it gave none."""
    reason = problem.error or problem.message or otherwise
    return BadQueryError(query, reason, problem.position, tuple(problem.expected), problem.hint)
