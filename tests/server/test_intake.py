"""What a push passes on its way to the committer, on a clock of its own: places, bytes of bodies, decoders."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import pytest
import trio
import trio.testing

from logpulse.errors import LogPulseError, OverloadedError, UnavailableError
from logpulse.limits import APPEND_WAIT_SECONDS, INTAKE_BYTES
from logpulse.services.committer import AppendQueue
from logpulse.services.intake import Admit, IncomingBody, Intake
from logpulse.services.lifecycle import Lifecycle
from logpulse.wire.ingest import IngestDecoder
from logpulse.wire.push import Push

NOW = 1_700_000_000_000_000_000
TEXT = b'{"streams":[{"labels":{"a":"b"},"entries":[{"line":"x"}]}]}'


def decode(text: bytes) -> Push:
    return IngestDecoder().decode(text, NOW)


@attrs.define(eq=False)
class Sender:
    """A client whose body comes in pieces of these sizes, the last one when `arrived` is set."""

    pieces: Sequence[int] = ()
    arrived: trio.Event = attrs.field(factory=trio.Event)
    refusal: LogPulseError | None = None
    answered: bool = False

    async def read(self, admit: Admit) -> bytes:
        for size in self.pieces[:-1]:
            await admit(size)
        await self.arrived.wait()
        for size in self.pieces[-1:]:
            await admit(size)
        return TEXT

    async def push(self, intake: Intake, decode: Callable[[bytes], Push] = decode) -> None:
        try:
            await intake.take(IncomingBody("", self.read), decode)
        except LogPulseError as error:
            self.refusal = error
        self.answered = True


async def answer_all(queue: AppendQueue) -> None:
    async for ticket in queue.receive:
        queue.give_room(ticket.size)
        ticket.done.set()


@pytest.fixture
def queue() -> AppendQueue:
    return AppendQueue(wait_seconds=5)


def intake_of(queue: AppendQueue, *, most_pushes: int = 100) -> Intake:
    return Intake(queue, Lifecycle(), most_pushes)


async def test_bodies_are_bounded_in_bytes_as_they_arrive(
    queue: AppendQueue, nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    intake = intake_of(queue)
    nursery.start_soon(answer_all, queue)
    first, second = Sender([INTAKE_BYTES - 1, 0]), Sender([2])
    second.arrived.set()
    nursery.start_soon(first.push, intake)
    await trio.testing.wait_all_tasks_blocked()
    began = trio.current_time()
    await second.push(intake)
    assert isinstance(second.refusal, UnavailableError)
    assert trio.current_time() - began == pytest.approx(APPEND_WAIT_SECONDS)
    third = Sender([2])
    third.arrived.set()
    nursery.start_soon(third.push, intake)
    await trio.testing.wait_all_tasks_blocked()
    assert not third.answered
    first.arrived.set()
    await trio.testing.wait_all_tasks_blocked()
    assert (first.answered, first.refusal, third.answered, third.refusal) == (True, None, True, None)


async def test_a_body_that_does_not_come_takes_no_room(
    queue: AppendQueue, nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    intake = intake_of(queue)
    nursery.start_soon(answer_all, queue)
    for _ in range(4):
        nursery.start_soon(Sender([INTAKE_BYTES // 4]).push, intake)
    await trio.testing.wait_all_tasks_blocked()
    lively = Sender([INTAKE_BYTES])
    lively.arrived.set()
    began = trio.current_time()
    await lively.push(intake)
    assert (lively.refusal, trio.current_time()) == (None, began)
    nursery.cancel_scope.cancel()


async def test_bodies_that_fill_the_room_together_do_not_wait_for_each_other(
    queue: AppendQueue, nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    intake = intake_of(queue)
    nursery.start_soon(answer_all, queue)
    senders = [Sender([INTAKE_BYTES // 4, INTAKE_BYTES // 8]) for _ in range(4)]
    for sender in senders:
        nursery.start_soon(sender.push, intake)
    await trio.testing.wait_all_tasks_blocked()
    began = trio.current_time()
    for sender in senders:
        sender.arrived.set()
    await trio.testing.wait_all_tasks_blocked()
    assert [(sender.answered, sender.refusal) for sender in senders] == [(True, None)] * 4
    assert trio.current_time() == began


async def test_a_client_that_leaves_gives_its_place_and_its_bytes_back(
    queue: AppendQueue, nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    intake = intake_of(queue, most_pushes=1)
    nursery.start_soon(answer_all, queue)
    with trio.move_on_after(1):
        await Sender([INTAKE_BYTES, 0]).push(intake)
    sender = Sender([1, INTAKE_BYTES - 1])
    sender.arrived.set()
    await sender.push(intake)
    assert (sender.answered, sender.refusal) == (True, None)
    assert intake._bodies._held == 0


async def test_one_push_too_many_is_refused_at_once(
    queue: AppendQueue, nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    intake = intake_of(queue, most_pushes=1)
    nursery.start_soon(Sender().push, intake)
    await trio.testing.wait_all_tasks_blocked()
    late = Sender()
    await late.push(intake)
    assert isinstance(late.refusal, OverloadedError)
    assert late.refusal.setting == "ingest.buffer_size"
    nursery.cancel_scope.cancel()


async def test_decoded_batches_do_not_pile_up_before_a_full_queue(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    queue = AppendQueue(wait_seconds=1000, most_bytes=1)
    intake = intake_of(queue)
    decoded = 0

    def count(text: bytes) -> Push:
        nonlocal decoded
        decoded += 1
        return decode(text)

    senders = [Sender() for _ in range(10)]
    for sender in senders:
        sender.arrived.set()
        nursery.start_soon(sender.push, intake, count)
    await trio.testing.wait_all_tasks_blocked()
    assert decoded == 3  # one fills the queue, two wait before it
    nursery.start_soon(answer_all, queue)
    await trio.testing.wait_all_tasks_blocked()
    assert decoded == 10
    assert all(sender.answered and sender.refusal is None for sender in senders)
    nursery.cancel_scope.cancel()
