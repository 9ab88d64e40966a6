"""Push invented logs: as fast as the server takes them, or as a steady flow."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing

import attrs
import httpx
import msgspec
import trio

from logpulse.client.address import ServerAddress
from logpulse.client.api import BUSY, TIMEOUT, decode_answer, failures_mapped, read_problem, refusal
from logpulse.client.failure import RejectedEntriesError, ServerUnreachableError
from logpulse.client.generate import GeneratedEntry, LogGenerator
from logpulse.client.wire import Accepted
from logpulse.errors import InvalidRequestError
from logpulse.limits import (
    GENERATE_BACKLOG_SECONDS,
    GENERATE_BATCH_ENTRIES,
    GENERATE_INTERVAL_NS,
    GENERATE_SPREAD_NS,
    GENERATE_TICK_SECONDS,
    RETRIES,
    SECOND_NS,
)
from logpulse.model.backoff import Backoff


@attrs.frozen
class Flow:
    """Say how many entries to push, None for no end, and how many a second, None for as many as the server takes."""

    count: int | None
    rate: float | None


@attrs.define
class Tally:
    """Count what was pushed, for whoever asks at the end, however that comes; `seconds` counts from its making."""

    accepted: int = 0
    rejected: int = 0
    first_reason: str = ""
    streams: set[tuple[tuple[str, str], ...]] = attrs.field(factory=set)
    _began: float = attrs.field(factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """How long the work has taken."""
        return time.monotonic() - self._began

    def __str__(self) -> str:
        rate = self.accepted / max(self.seconds, 1e-3)
        return (
            f"accepted {self.accepted:,} entries in {len(self.streams):,} streams, "
            f"{self.seconds:.1f} s, {rate:,.0f} lines/s"
        )

    def check(self) -> None:
        """Raise RejectedEntriesError if the server refused any entry."""
        if self.rejected:
            raise RejectedEntriesError(self.rejected, self.first_reason)


class Pusher:
    """Push batches to one server, one request at a time; `aclose` closes the connection.

    A busy server (429, 503) is asked again after the wait it names, and a lost one too once it has taken a batch: at
    most RETRIES times in a row. The server knows an entry it has already, so a batch that is sent again counts once.
    """

    def __init__(
        self,
        server: ServerAddress,
        tally: Tally,
        notify: Callable[[str], None],
        *,
        sleep: Callable[[float], Awaitable[None]] = trio.sleep,
    ) -> None:
        self._server = server
        self._tally = tally
        self._notify = notify
        self._sleep = sleep
        self._http = httpx.AsyncClient(headers=server.headers, timeout=TIMEOUT, verify=server.trust())

    async def aclose(self) -> None:
        """Close the connection."""
        await self._http.aclose()

    async def push(self, entries: Sequence[GeneratedEntry]) -> int:
        """Push entries and give the number accepted. Cancelled, it leaves open whether the server took them.

        Raises:
            ServerUnreachableError, ServerRefusedError, UnexpectedAnswerError: as their names say.
        """
        body = encode_push(entries)
        backoff = Backoff()
        while True:
            try:
                answer = await self._send(body)
            except ServerUnreachableError as error:
                if not self._tally.accepted or backoff.failures >= RETRIES:
                    raise
                reason, retry_after = str(error), None
            else:
                if answer.status_code not in BUSY or backoff.failures >= RETRIES:
                    return self._count(entries, answer)
                refused = refusal(answer, self._server.route("ingest"))
                reason, retry_after = str(refused), refused.retry_after
            wait = backoff.next_wait(retry_after)
            self._notify(f"{reason}; pushing again in {wait:.1f} s")
            await self._sleep(wait)

    async def _send(self, body: bytes) -> httpx.Response:
        with failures_mapped(self._server.url):
            return await self._http.post(
                self._server.route("ingest"), content=body, headers={"Content-Type": "application/json"}
            )

    def _count(self, entries: Sequence[GeneratedEntry], answer: httpx.Response) -> int:
        """Count an answer: everything accepted, or some entries refused one by one, or nothing at all."""
        problem = read_problem(answer.content)
        if answer.status_code == httpx.codes.BAD_REQUEST and problem.rejected_count:
            accepted = problem.accepted
            self._tally.rejected += problem.rejected_count
            self._tally.first_reason = self._tally.first_reason or next(
                (r.reason for r in problem.rejected), problem.error
            )
        else:
            accepted = decode_answer(answer, self._server.route("ingest"), None, Accepted).accepted
        self._tally.accepted += accepted
        self._tally.streams.update(tuple(entry.labels.items()) for entry in entries)
        return accepted


async def push_generated(
    server: ServerAddress,
    generator: LogGenerator,
    flow: Flow,
    tally: Tally,
    advance: Callable[[int], None],
    notify: Callable[[str], None],
) -> None:
    """Push what `generator` invents and count it in `tally`, which is right whenever and however this ends.

    Raises:
        ServerUnreachableError, ServerRefusedError, UnexpectedAnswerError: maybe in a group; as `Pusher.push`.
    """
    async with aclosing(Pusher(server, tally, notify)) as pusher:
        if flow.rate is not None:
            await push_steadily(pusher, generator, flow.rate, flow.count, advance)
        elif flow.count is not None:
            await push_at_once(pusher, generator, flow.count, advance, time.time_ns())
        else:
            raise InvalidRequestError("count", None, "must be given where there is no rate")


async def push_at_once(
    pusher: Pusher, generator: LogGenerator, count: int, advance: Callable[[int], None], now: int
) -> None:
    """Push `count` entries that end just before `now`, unix nanoseconds, as fast as the server takes them.

    The next batch is invented while the server stores the one before.

    Raises:
        ServerUnreachableError, ServerRefusedError, UnexpectedAnswerError: in a group; as `Pusher.push`.
    """
    async with trio.open_nursery() as nursery:
        batches_in, batches_out = trio.open_memory_channel[list[GeneratedEntry]](0)
        nursery.start_soon(_push_all, pusher, batches_out, advance)
        with batches_in:
            batch: list[GeneratedEntry] = []
            for moment in past_times(count, now, generator.jitter):
                batch.append(generator.entry(moment))
                if len(batch) == GENERATE_BATCH_ENTRIES:
                    await batches_in.send(batch)
                    batch = []
            if batch:
                await batches_in.send(batch)


async def _push_all(
    pusher: Pusher, batches: trio.MemoryReceiveChannel[list[GeneratedEntry]], advance: Callable[[int], None]
) -> None:
    # The channel is not closed on the way out of an error: the sender shall see its cancellation and nothing else.
    async for batch in batches:
        await pusher.push(batch)
        advance(len(batch))


async def push_steadily(
    pusher: Pusher, generator: LogGenerator, rate: float, count: int | None, advance: Callable[[int], None]
) -> None:
    """Push `rate` entries a second, `count` of them or for ever, each with the time at which it was due.

    Raises:
        ServerUnreachableError, ServerRefusedError, UnexpectedAnswerError: as `Pusher.push`.
    """
    schedule = Schedule(rate, count, trio.current_time(), time.time_ns())
    while not schedule.finished:
        due = schedule.take(trio.current_time())
        if due:
            await pusher.push([generator.entry(moment) for moment in due])
            advance(len(due))
        else:
            await trio.sleep(GENERATE_TICK_SECONDS)


class Schedule:
    """Say which entries of a steady flow are due: without drift, since each has its own moment.

    After an outage at most GENERATE_BACKLOG_SECONDS of the flow are made up for; what was due before is skipped.
    """

    def __init__(self, rate: float, count: int | None, began: float, wall_clock: int) -> None:
        self._rate = rate
        self._left = count
        self._began = began
        self._wall_clock = wall_clock
        self._taken = 0

    @property
    def finished(self) -> bool:
        """Whether all entries were taken."""
        return self._left == 0

    def take(self, now: float) -> list[int]:
        """Give the times of the entries due at `now`, at most one batch: unix nanoseconds, none after `now`."""
        ripe = int((now - self._began) * self._rate)
        self._taken = max(self._taken, ripe - int(self._rate * GENERATE_BACKLOG_SECONDS) - 1)
        size = min(ripe - self._taken, GENERATE_BATCH_ENTRIES)
        if self._left is not None:
            size = min(size, self._left)
            self._left -= size
        first = self._taken + 1
        self._taken += size
        return [self._wall_clock + int(number * SECOND_NS / self._rate) for number in range(first, first + size)]


def past_times(count: int, now: int, jitter: Callable[[], float]) -> Iterator[int]:
    """Give `count` times in order, spread over the past that ends at `now`, all in unix nanoseconds.

    `jitter` gives fractions from 0 to less than 1, by which each time stands in its share of the past.
    """
    spread = min(count * GENERATE_INTERVAL_NS, GENERATE_SPREAD_NS)
    return (now - spread + int(spread / count * (number + jitter())) for number in range(count))


def encode_push(entries: Sequence[GeneratedEntry]) -> bytes:
    """Write entries as the body of `/ingest`, those of one stream together, in their order."""
    streams: dict[tuple[tuple[str, str], ...], list[dict[str, object]]] = {}
    for entry in entries:
        rows = streams.setdefault(tuple(entry.labels.items()), [])
        rows.append({"ts": str(entry.time), "line": entry.line, "metadata": entry.metadata})
    return msgspec.json.encode(
        {"streams": [{"labels": dict(labels), "entries": rows} for labels, rows in streams.items()]}
    )
