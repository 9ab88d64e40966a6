"""Subscribers and the broadcaster on a clock of their own: order, bounds, losses, pauses."""

from __future__ import annotations

import pyarrow as pa
import pytest
import trio
import trio.testing

from logpulse.batch import Batch, make_entries
from logpulse.errors import LimitExceededError, OverloadedError, QueryCancelledError
from logpulse.limits import (
    BLOCKED_SECONDS,
    COMMITTED_BATCHES,
    FRAME_BYTES,
    FRAME_ENTRIES,
    HISTORY_BUFFER_ENTRIES,
    LINE_BYTES,
    SUBSCRIBER_BYTES,
    SUBSCRIBER_FRAMES,
    TAIL_QUICK_TEXTS,
    UNCONFIRMED_FILTERS,
)
from logpulse.logql.parser import parse_log_query
from logpulse.logql.record import Record
from logpulse.logql.stages import line_format
from logpulse.logql.template import Template
from logpulse.model.labels import Labels
from logpulse.services import subscriber, tail_filter
from logpulse.services.broadcaster import Broadcaster
from logpulse.services.metrics import Metrics
from logpulse.services.subscriber import Dropped, Entries, Notice, QueuedMemory, Subscriber, TailItem
from logpulse.services.tail_filter import TailFilter
from logpulse.storage.store import Commit

from .serving import PATIENCE


def commit_of(sequence: int, *lines: str, service: str = "api", metadata: str | None = None) -> Commit:
    """Make a commit of one stream, its entries at times sequence * 1000 + position."""
    labels = Labels.of({"service": service})
    count = len(lines)
    entries = make_entries(
        pa.array([labels.id] * count, pa.int64()).to_numpy(),
        pa.array([sequence * 1000 + position for position in range(count)], pa.int64()),
        pa.array(lines, pa.string()),
        pa.array([metadata] * count, pa.string()),
    )
    return Commit(sequence, Batch(entries, {labels.id: labels}), 0)


def filter_of(query: str = '{service=~".+"}') -> TailFilter:
    return TailFilter(parse_log_query(query))


class Tail(Subscriber):
    """A subscriber that counts what it has dropped."""

    def __init__(self, query: str = '{service=~".+"}', memory: QueuedMemory | None = None) -> None:
        self.dropped = 0
        super().__init__(filter_of(query), self._count, memory or QueuedMemory())

    def _count(self, lost: int) -> None:
        self.dropped += lost


def shown(item: TailItem | None) -> object:
    """Show lines for entries, the frame for a notice, the count for a loss."""
    match item:
        case Entries():
            return [entry.line for entry in item.entries]
        case Notice():
            return item.frame
        case Dropped():
            return item.count
    return None


async def everything(tail: Subscriber) -> list[object]:
    """Take all that stands ready."""
    items: list[object] = []
    with trio.move_on_after(0.001):
        while True:
            items.append(shown(await tail.receive()))
    return items


async def fill(tail: Subscriber, first: int = 1) -> None:
    for number in range(first, first + SUBSCRIBER_FRAMES):
        await tail.offer(commit_of(number, f"line {number}"))


@pytest.mark.parametrize(
    ("query", "lines"),
    [
        ('{service="api"}', ["GET /a", "POST /b", "GET /c"]),
        ('{service!="api", service=~".+"}', []),
        ('{service=~"a.i"} |= "GET"', ["GET /a", "GET /c"]),
        ('{service="api"} |= "GET" != "/c"', ["GET /a"]),
        ('{service="api"} !~ "^G"', ["POST /b"]),
        ('{service="api", nothing=""} |= "POST"', ["POST /b"]),
    ],
)
async def test_filters(query: str, lines: list[str]) -> None:
    tail = Tail(query)
    await tail.offer(commit_of(1, "GET /a", "POST /b", "GET /c"))
    assert await everything(tail) == ([lines] if lines else [])


async def test_a_commit_of_several_streams_keeps_its_order(autojump_clock: trio.testing.MockClock) -> None:
    one, two = commit_of(1, "a1", "a2", service="a"), commit_of(1, "b1", service="b")
    entries = pa.concat_batches([one.batch.entries, two.batch.entries, one.batch.entries])
    commit = Commit(1, Batch(entries, {**one.batch.streams, **two.batch.streams}), 0)
    for query, lines in (('{service=~".+"}', ["a1", "a2", "b1", "a1", "a2"]), ('{service="b"}', ["b1"])):
        tail = Tail(query)
        await tail.offer(commit)
        assert await everything(tail) == [lines]


async def test_a_large_commit_becomes_several_items(autojump_clock: trio.testing.MockClock) -> None:
    tail = Tail()
    await tail.offer(commit_of(1, *map(str, range(FRAME_ENTRIES + 1))))
    first, second = await everything(tail)
    assert isinstance(first, list)
    assert len(first) == FRAME_ENTRIES
    assert second == [str(FRAME_ENTRIES)]


async def test_what_does_not_fit_is_counted_and_reported_in_its_place(autojump_clock: trio.testing.MockClock) -> None:
    tail = Tail()
    await fill(tail)
    await tail.offer(commit_of(200, "lost", "lost"))
    await tail.offer(commit_of(201, "lost"))
    assert tail.dropped == 3
    assert shown(await tail.receive()) == ["line 1"]
    await tail.offer(commit_of(202, "kept"))
    rest = await everything(tail)
    assert rest[: SUBSCRIBER_FRAMES - 1] == [[f"line {number}"] for number in range(2, SUBSCRIBER_FRAMES + 1)]
    assert rest[SUBSCRIBER_FRAMES - 1 :] == [3, ["kept"]]
    assert tail.dropped == 3


async def test_a_loss_at_the_end_is_reported_too_with_its_times(autojump_clock: trio.testing.MockClock) -> None:
    tail = Tail()
    await fill(tail)
    await tail.offer(commit_of(300, "lost", "lost"))
    await tail.offer(commit_of(200, "lost"))
    for _ in range(SUBSCRIBER_FRAMES):
        await tail.receive()
    assert await tail.receive() == Dropped(3, 200_000, 300_001)
    assert await everything(tail) == []  # once


async def test_the_queue_is_bounded_in_bytes(autojump_clock: trio.testing.MockClock) -> None:
    tail = Tail()
    line = "x" * (SUBSCRIBER_BYTES // 4)
    for number in range(6):
        await tail.offer(commit_of(number, line))
    assert tail.dropped == 2
    assert len(await everything(tail)) == 5
    await tail.offer(commit_of(9, line))
    assert tail.dropped == 2


async def test_more_fits_while_history_is_sent(autojump_clock: trio.testing.MockClock) -> None:
    tail = Tail()
    tail.hold_history()
    batch = [str(number) for number in range(FRAME_ENTRIES)]
    for number in range(HISTORY_BUFFER_ENTRIES // FRAME_ENTRIES):
        await tail.offer(commit_of(number, *batch))
    assert tail.dropped == 0
    await tail.offer(commit_of(999, "one more"))
    assert tail.dropped == 1
    await everything(tail)
    await fill(tail)
    await tail.offer(commit_of(999, "one more"))  # from its first emptiness on it is live
    assert tail.dropped == 2


async def test_metadata_counts_as_well(autojump_clock: trio.testing.MockClock) -> None:
    tail = Tail()
    metadata = '{"a":"%s"}' % ("x" * (SUBSCRIBER_BYTES // 4))
    for number in range(6):
        await tail.offer(commit_of(number, "", metadata=metadata))
    assert tail.dropped == 2


async def test_long_lines_of_one_commit_pass_the_bound_by_one_frame_at_most(
    autojump_clock: trio.testing.MockClock,
) -> None:
    tail = Tail()
    await tail.offer(commit_of(1, *["x" * LINE_BYTES] * 400))
    assert tail._size < SUBSCRIBER_BYTES + FRAME_BYTES + 2 * LINE_BYTES
    kept = await everything(tail)
    assert kept[-1] == tail.dropped > 0
    sizes = [len(lines) for lines in kept[:-1] if isinstance(lines, list)]
    assert sum(sizes) + tail.dropped == 400
    assert max(sizes) <= FRAME_BYTES // LINE_BYTES


async def test_all_tails_together_are_bounded_and_none_starves(autojump_clock: trio.testing.MockClock) -> None:
    line = "x" * 10_000
    memory = QueuedMemory(most=1_000_000)
    greedy, modest = Tail(memory=memory), Tail('{service="modest"}', memory)
    for number in range(200):
        await greedy.offer(commit_of(number, line))
    assert greedy.dropped > 0
    kept = commit_of(1000, line, service="modest")
    for _ in range(10):
        await modest.offer(kept)
    assert modest.dropped == 0
    for _ in range(200):
        await modest.offer(kept)
    assert modest.dropped > 0
    assert memory.held < 1.6 * memory.most
    await everything(modest)
    greedy.close()
    assert memory.held == 0


async def test_a_large_commit_lets_others_run_and_is_counted_to_its_end(autojump_clock: trio.testing.MockClock) -> None:
    lines = [f"{number}" for number in range(120_000)]
    sevens = sum("7" in line for line in lines)
    for query, matching in (('{service="api"}', len(lines)), ('{service="api"} |= "7"', sevens)):
        tail = Tail(query)
        turns = 0

        async def run_beside() -> None:
            nonlocal turns
            while True:
                await trio.lowlevel.checkpoint()
                turns += 1

        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_beside)
            await tail.offer(commit_of(1, *lines))
            nursery.cancel_scope.cancel()
        assert turns >= len(lines) // FRAME_ENTRIES - 1
        kept = await everything(tail)
        shown_lines = [line for item in kept[:-1] if isinstance(item, list) for line in item]
        assert shown_lines == [line for line in lines if "7" in line or matching == len(lines)][: len(shown_lines)]
        assert len(shown_lines) + tail.dropped == matching
        assert kept[-1] == tail.dropped > 0


async def test_a_few_matches_in_a_large_commit_share_a_frame(autojump_clock: trio.testing.MockClock) -> None:
    tail = Tail('{service="api"} |= "000"')
    await tail.offer(commit_of(1, *map(str, range(100_000))))
    (found,) = await everything(tail)
    assert found == [line for line in map(str, range(100_000)) if "000" in line]
    assert tail.dropped == 0


async def test_answers_about_streams_are_forgotten_once_they_are_many(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail_filter, "TAIL_STREAMS", 3)
    tail = Tail('{service=~"s[0-4]"}')
    for number in range(10):
        await tail.offer(commit_of(number, "x", service=f"s{number}"))
        assert len(tail._filter._streams) <= 3
    assert len(await everything(tail)) == 5


# -- filters that take long -------------------------------------------------------------------------------------------

COSTLY = "{{ repeat 100 __line__ | repeat 50 | upper | lower | title | len }}" * 12


def test_what_the_event_loop_may_do() -> None:
    quick = [" |= `a` or `b` != `c`", "", "".join(f" |= `{number}`" for number in range(TAIL_QUICK_TEXTS))]
    slow = [" |~ `a`", " |> `<_>a`", " |= ip(`10.0.0.1`)", " | json", " | a=1", quick[-1] + " |= `x`"]
    assert all(filter_of('{service="api"}' + each).is_quick for each in quick)
    assert not any(filter_of('{service="api"}' + each).is_quick for each in slow)


async def test_a_filter_that_takes_too_long_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriber, "TAIL_FILTER_SECONDS", 0.01)
    slow, other = Tail(f'{{service="api"}} | line_format `{COSTLY}`'), Tail()
    with trio.fail_after(PATIENCE):
        for tail in (slow, other):
            await tail.offer(commit_of(1, *["x" * 100] * 500))
        assert slow.is_overtaxed
        assert not other.is_overtaxed
        await slow.offer(commit_of(2, "later"))  # as nothing, until the tail ends
        await slow._thread.acquire()  # once the thread has ended, with the line that it was at
    assert await everything(slow) == []
    assert len(await everything(other)) > 0


def test_a_filter_stops_half_way_through_an_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered = 0

    def render(record: Record) -> str:
        nonlocal rendered
        rendered += 1
        stopped.interrupt.pull()
        return record.line

    monkeypatch.setattr(line_format, "compile_template", lambda _: Template(render, frozenset()))
    stopped, commit = filter_of('{service="api"}' + " | line_format `x`" * 400), commit_of(1, "line")
    with pytest.raises(QueryCancelledError):
        stopped.entries(commit.batch.entries, commit.batch.streams)
    assert rendered == 1


# -- filters and notices ----------------------------------------------------------------------------------------------


async def test_a_confirmation_stands_between_the_old_filter_and_the_new(
    autojump_clock: trio.testing.MockClock,
) -> None:
    tail = Tail('{service="a"}')
    for service in "ab":
        await tail.offer(commit_of(1, f"old {service}", service=service))
    tail.change_filter(filter_of('{service="b"}'), Notice(b"confirmed"))
    for service in "ab":
        await tail.offer(commit_of(2, f"new {service}", service=service))
    assert await everything(tail) == [["old a"], b"confirmed", ["new b"]]


async def test_a_filter_that_changes_in_the_middle_of_a_commit_begins_after_it(
    autojump_clock: trio.testing.MockClock,
) -> None:
    tail = Tail('{service="a"}')
    lines = [str(number) for number in range(3 * FRAME_ENTRIES)]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tail.offer, commit_of(1, *lines, service="a"))
        while not tail._items:
            await trio.lowlevel.checkpoint()
        assert tail._entries < len(lines)
        tail.change_filter(filter_of('{service="b"}'), Notice(b"confirmed"))
    await tail.offer(commit_of(2, "b", service="b"))
    *old, confirmation, new = await everything(tail)
    assert [line for item in old if isinstance(item, list) for line in item] == lines
    assert (confirmation, new) == (b"confirmed", ["b"])


async def test_a_loss_under_the_old_filter_is_reported_before_the_new_one_is_confirmed(
    autojump_clock: trio.testing.MockClock,
) -> None:
    tail = Tail()
    await fill(tail)
    await tail.offer(commit_of(200, "lost"))
    tail.change_filter(filter_of(), Notice(b"confirmed"))
    assert (await everything(tail))[SUBSCRIBER_FRAMES:] == [1, b"confirmed"]


async def test_filters_that_nobody_reads_the_confirmation_of_are_bounded(
    autojump_clock: trio.testing.MockClock,
) -> None:
    tail = Tail('{service="a"}')
    tail.pause()
    for _ in range(UNCONFIRMED_FILTERS):
        tail.change_filter(filter_of('{service="b"}'), Notice(b"confirmed"))
    with pytest.raises(LimitExceededError, match="unconfirmed filters"):
        tail.change_filter(filter_of('{service="c"}'), Notice(b"too many"))
    await tail.offer(commit_of(1, "b", service="b"))
    tail.resume()
    assert await everything(tail) == [b"confirmed"] * UNCONFIRMED_FILTERS + [["b"]]
    tail.change_filter(filter_of('{service="c"}'), Notice(b"confirmed"))
    assert await everything(tail) == [b"confirmed"]


async def test_notices_come_first_and_during_a_pause(autojump_clock: trio.testing.MockClock) -> None:
    tail = Tail()
    await tail.offer(commit_of(1, "x"))
    tail.notify(Notice(b"n1"))
    tail.pause()
    tail.notify(Notice(b"n2"))
    await tail.offer(commit_of(2, "y"))
    assert await everything(tail) == [b"n1", b"n2"]
    assert tail.next_entries() is None
    tail.resume()
    tail.notify(Notice(b"n3"))
    assert await everything(tail) == [b"n3", ["x"], ["y"]]


async def test_what_does_not_fit_during_a_pause_is_reported_after_it(autojump_clock: trio.testing.MockClock) -> None:
    tail = Tail()
    tail.pause()
    await fill(tail)
    await tail.offer(commit_of(200, "lost"))
    assert await everything(tail) == []
    tail.resume()
    assert (await everything(tail))[-1] == 1


async def test_receiving_waits_and_loses_nothing_when_cancelled(autojump_clock: trio.testing.MockClock) -> None:
    tail = Tail()
    with trio.move_on_after(1):
        await tail.receive()
    async with trio.open_nursery() as nursery:
        received: list[object] = []

        async def receive() -> None:
            received.append(shown(await tail.receive()))

        nursery.start_soon(receive)
        await trio.testing.wait_all_tasks_blocked()
        assert received == []
        await tail.offer(commit_of(1, "x"))
    assert received == [["x"]]


async def test_only_entries_are_gathered_into_a_frame(autojump_clock: trio.testing.MockClock) -> None:
    tail = Tail()
    for number in (1, 2):
        await tail.offer(commit_of(number, str(number)))
    tail.change_filter(filter_of(), Notice(b"confirmed"))
    await tail.offer(commit_of(3, "3"))
    assert [shown(tail.next_entries()) for _ in range(3)] == [["1"], ["2"], None]
    assert await everything(tail) == [b"confirmed", ["3"]]


# -- slowness ---------------------------------------------------------------------------------------------------------


async def test_too_slow_is_who_has_been_full_for_long(autojump_clock: trio.testing.MockClock) -> None:
    tail = Tail()
    await fill(tail)
    await trio.sleep(2 * BLOCKED_SECONDS)
    assert not tail.is_too_slow  # full, but nothing was lost
    await tail.offer(commit_of(200, "lost"))
    await trio.sleep(BLOCKED_SECONDS - 1)
    assert not tail.is_too_slow
    await tail.offer(commit_of(201, "lost"))
    await trio.sleep(2)
    assert tail.is_too_slow


async def test_who_has_caught_up_is_not_too_slow_though_nothing_more_comes(
    autojump_clock: trio.testing.MockClock,
) -> None:
    tail = Tail()
    await fill(tail)
    await tail.offer(commit_of(200, "lost"))
    assert len(await everything(tail)) == SUBSCRIBER_FRAMES + 1
    await trio.sleep(2 * BLOCKED_SECONDS)
    assert not tail.is_too_slow


async def test_a_pause_is_no_slowness(autojump_clock: trio.testing.MockClock) -> None:
    tail = Tail()
    tail.pause()
    await fill(tail)
    await tail.offer(commit_of(200, "lost"))
    await trio.sleep(2 * BLOCKED_SECONDS)
    assert not tail.is_too_slow
    tail.resume()
    assert not tail.is_too_slow


# -- the broadcaster --------------------------------------------------------------------------------------------------


async def test_every_subscriber_gets_every_commit_in_order(autojump_clock: trio.testing.MockClock) -> None:
    broadcaster = Broadcaster(Metrics(), 10)
    async with trio.open_nursery() as nursery:
        await nursery.start(broadcaster.run)
        with broadcaster.subscribe(filter_of()) as one, broadcaster.subscribe(filter_of('{service="b"}')) as two:
            for number in range(6):
                broadcaster.publish(commit_of(number, str(number), service="ab"[number % 2]))
            assert await everything(one) == [[str(number)] for number in range(6)]
            assert await everything(two) == [["1"], ["3"], ["5"]]
        broadcaster.close()
    assert len(broadcaster) == 0


async def test_what_was_published_before_closing_is_passed_on(autojump_clock: trio.testing.MockClock) -> None:
    broadcaster = Broadcaster(Metrics(), 10)
    with broadcaster.subscribe(filter_of()) as tail:
        for number in range(3):
            broadcaster.publish(commit_of(number, str(number)))
        broadcaster.close()
        await broadcaster.run()
        assert await everything(tail) == [["0"], ["1"], ["2"]]


async def test_an_overflow_is_reported_to_every_subscriber(autojump_clock: trio.testing.MockClock) -> None:
    metrics = Metrics()
    broadcaster = Broadcaster(metrics, 10)
    with broadcaster.subscribe(filter_of()) as one, broadcaster.subscribe(filter_of('{service="b"}')) as two:
        for number in range(COMMITTED_BATCHES + 2):
            broadcaster.publish(commit_of(number, "x", "y"))
        async with trio.open_nursery() as nursery:
            await nursery.start(broadcaster.run)
            assert await one.receive() == Dropped(4, COMMITTED_BATCHES * 1000, (COMMITTED_BATCHES + 1) * 1000 + 1)
            assert shown(await one.receive()) == ["x", "y"]
            assert shown(await two.receive()) == 4
            broadcaster.close()
    dropped = metrics.registry.get_sample_value("logpulse_dropped_lines_total", {"reason": "slow_tail"})
    assert dropped is not None
    assert dropped >= 8


async def test_without_subscribers_nothing_is_held(autojump_clock: trio.testing.MockClock) -> None:
    broadcaster = Broadcaster(Metrics(), 10)
    for number in range(2 * COMMITTED_BATCHES):
        broadcaster.publish(commit_of(number, "x"))
    assert broadcaster._waiting_bytes == 0
    assert broadcaster._missed is None


async def test_at_most_so_many_subscribers(autojump_clock: trio.testing.MockClock) -> None:
    broadcaster = Broadcaster(Metrics(), 1)
    with broadcaster.subscribe(filter_of()), pytest.raises(OverloadedError, match=r"tail\.max_subscribers"):
        broadcaster.subscribe(filter_of())
    with broadcaster.subscribe(filter_of()):
        assert len(broadcaster) == 1
