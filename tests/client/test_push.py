"""Pushing invented logs to a server that may be busy, lost or unwilling."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from random import Random

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from logpulse.client.address import ServerAddress
from logpulse.client.failure import RejectedEntriesError, ServerRefusedError, ServerUnreachableError
from logpulse.client.generate import DEFAULT_SERVICES, GeneratedEntry, LogGenerator
from logpulse.client.push import Flow, Pusher, Schedule, Tally, encode_push, past_times, push_generated
from logpulse.errors import LogPulseError
from logpulse.limits import GENERATE_BATCH_ENTRIES, GENERATE_SPREAD_NS, RETRIES

from .fake_server import BASE, HANG_UP, Answer, FakeServer

S = 10**9


def batch(count: int = 3) -> list[GeneratedEntry]:
    generator = LogGenerator(DEFAULT_SERVICES, 1)
    return [generator.entry(BASE + number) for number in range(count)]


@pytest.fixture
async def server(nursery: trio.Nursery) -> FakeServer:
    server = FakeServer()
    await nursery.start(server.run)
    return server


class Bench:
    """A pusher with what it reports, and the waits it makes, which take no time."""

    def __init__(self, server: FakeServer) -> None:
        self.tally = Tally()
        self.notices: list[str] = []
        self.waits: list[float] = []
        address = ServerAddress(server.address.url, "s3cret")
        self.pusher = Pusher(address, self.tally, self.notices.append, sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.fixture
async def bench(server: FakeServer) -> AsyncIterator[Bench]:
    bench = Bench(server)
    async with aclosing(bench.pusher):
        yield bench


def test_a_push_groups_entries_by_stream_and_keeps_their_order() -> None:
    entries = batch(200)
    body = json.loads(encode_push(entries))
    assert len(body["streams"]) == len({tuple(one.labels.items()) for one in entries})
    for stream in body["streams"]:
        expected = [
            {"ts": str(one.time), "line": one.line, "metadata": one.metadata}
            for one in entries
            if one.labels == stream["labels"]
        ]
        assert stream["entries"] == expected


async def test_accepted_entries_are_counted(server: FakeServer, bench: Bench) -> None:
    await bench.pusher.push(batch(3))
    await bench.pusher.push(batch(2))
    assert bench.tally.accepted == 5
    assert "accepted 5 entries in 3 streams" in str(bench.tally)
    bench.tally.check()
    request = server.requests[0]
    assert (request.method, request.path) == ("POST", "/ingest")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-api-key"] == "s3cret"


async def test_a_busy_server_gets_the_same_batch_again(server: FakeServer, bench: Bench) -> None:
    busy = (Answer(429, {"error": "1000 pushes in work"}, (("Retry-After", "0"),)), Answer(503, {"error": "draining"}))
    server.scripted["/ingest"].extend(busy)
    await bench.pusher.push(batch())
    assert bench.tally.accepted == 3
    assert len({request.body for request in server.requests}) == 1
    assert "1000 pushes in work" in bench.notices[0]
    assert "draining" in bench.notices[1]


async def test_retry_after_is_waited_for(server: FakeServer, bench: Bench) -> None:
    server.scripted["/ingest"].append(Answer(429, {"error": "busy"}, (("Retry-After", "17"),)))
    await bench.pusher.push(batch())
    assert bench.waits == [17]


async def test_a_server_that_stays_busy_is_given_up(server: FakeServer, bench: Bench) -> None:
    server.scripted["/ingest"].extend([Answer(503, {"error": "draining"})] * (RETRIES + 1))
    with pytest.raises(ServerRefusedError, match="503: draining"):
        await bench.pusher.push(batch())
    assert len(bench.waits) == RETRIES


async def test_a_server_lost_on_the_way_gets_the_same_batch_again(server: FakeServer, bench: Bench) -> None:
    await bench.pusher.push(batch())
    server.scripted["/ingest"].extend([HANG_UP, HANG_UP])
    await bench.pusher.push(batch())
    assert bench.tally.accepted == 6
    assert len(bench.notices) == 2


async def test_a_server_that_was_never_there_is_not_waited_for(server: FakeServer, bench: Bench) -> None:
    server.scripted["/ingest"].append(HANG_UP)
    with pytest.raises(ServerUnreachableError):
        await bench.pusher.push(batch())
    assert bench.notices == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(400, {"error": "no label"}), "400: no label"),
        (Answer(401, {"error": "a key is required"}), "401: a key is required"),
        (Answer(413, {"error": "body bytes is limited to 10"}), "413: body bytes"),
    ],
)
async def test_a_refusal_is_final(server: FakeServer, bench: Bench, answer: Answer, words: str) -> None:
    server.scripted["/ingest"].append(answer)
    with pytest.raises(ServerRefusedError, match=words):
        await bench.pusher.push(batch())
    assert bench.tally.accepted == 0


async def test_entries_refused_one_by_one_are_counted_and_told_at_the_end(server: FakeServer, bench: Bench) -> None:
    rejected = [{"stream": 0, "entry": 0, "reason": "timestamp: too far ahead"}]
    partly = {"error": "1 entry refused", "accepted": 2, "rejected": rejected, "rejectedCount": 1}
    server.scripted["/ingest"].append(Answer(400, partly))
    await bench.pusher.push(batch())
    assert (bench.tally.accepted, bench.tally.rejected) == (2, 1)
    with pytest.raises(RejectedEntriesError, match="refused 1 entries, the first because: timestamp: too far ahead"):
        bench.tally.check()


async def test_all_entries_are_pushed_in_batches_and_in_order(server: FakeServer) -> None:
    tally, advanced = Tally(), list[int]()
    count = 2 * GENERATE_BATCH_ENTRIES + 1
    generator = LogGenerator(DEFAULT_SERVICES, 1)
    await push_generated(server.address, generator, Flow(count, None), tally, advanced.append, lambda text: None)
    assert tally.accepted == count
    assert advanced == [GENERATE_BATCH_ENTRIES, GENERATE_BATCH_ENTRIES, 1]
    newest = [
        max(int(one["ts"]) for stream in json.loads(request.body)["streams"] for one in stream["entries"])
        for request in server.requests
    ]
    assert newest == sorted(newest)


async def test_a_refusal_ends_the_inventing(server: FakeServer) -> None:
    server.scripted["/ingest"].append(Answer(401, {"error": "key"}))
    generator, tally = LogGenerator(DEFAULT_SERVICES, 1), Tally()
    with pytest.RaisesGroup(ServerRefusedError):
        await push_generated(
            server.address, generator, Flow(1_000_000, None), tally, lambda count: None, lambda text: None
        )
    assert len(server.requests) == 1


async def test_a_steady_flow_ends_after_its_count(server: FakeServer) -> None:
    tally, advanced = Tally(), list[int]()
    generator = LogGenerator(DEFAULT_SERVICES, 1)
    await push_generated(server.address, generator, Flow(5, 1000.0), tally, advanced.append, lambda text: None)
    assert tally.accepted == sum(advanced) == 5


async def test_a_flow_needs_a_count_or_a_rate(server: FakeServer) -> None:
    with pytest.raises(LogPulseError):
        await push_generated(
            server.address, LogGenerator(("api",), 1), Flow(None, None), Tally(), lambda count: None, lambda text: None
        )


@settings(deadline=None)
@given(st.integers(1, 3_000), st.integers(10**18, 2**62), st.randoms(use_true_random=False))
def test_past_times_are_in_order_and_over(count: int, now: int, random: Random) -> None:
    times = list(past_times(count, now, random.random))
    assert len(times) == count
    assert times == sorted(times)
    assert times[-1] <= now
    assert times[0] >= now - GENERATE_SPREAD_NS


@settings(deadline=None)
@given(
    st.floats(0.01, 2_000),
    st.one_of(st.none(), st.integers(1, 1000)),
    st.lists(st.floats(0, 5), min_size=1, max_size=10),
)
def test_a_schedule_is_neither_ahead_nor_behind(rate: float, count: int | None, pauses: list[float]) -> None:
    schedule = Schedule(rate, count, 100.0, BASE)
    now, taken = 100.0, list[int]()
    for pause in pauses:
        now += pause
        while due := schedule.take(now):
            assert len(due) <= GENERATE_BATCH_ENTRIES
            assert due[-1] <= BASE + int((now - 100.0) * S) + 1_000
            taken += due
    assert taken == sorted(set(taken))
    due_by_now = int((now - 100.0) * rate)
    assert len(taken) == (due_by_now if count is None else min(due_by_now, count))
    assert schedule.finished == (len(taken) == count)


def test_after_an_outage_a_schedule_makes_up_for_a_bounded_past() -> None:
    schedule = Schedule(10.0, None, 0.0, BASE)
    made_up = schedule.take(3600.0)
    assert made_up[0] >= BASE + 3589 * S
    assert made_up[-1] == BASE + 3600 * S
    assert len(made_up) <= 101
