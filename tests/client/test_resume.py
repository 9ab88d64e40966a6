"""Lost connections cost a tail nothing, and show nothing twice."""

from __future__ import annotations

import json
from collections.abc import Sequence

import attrs
import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from logpulse.client.resume import TailMemory
from logpulse.errors import InvalidRequestError
from logpulse.limits import TAIL_OVERLAP_SECONDS, TAIL_SKEW_SECONDS

from .fake_server import BASE, Entry, entry

S = 10**9
OVERLAP = TAIL_OVERLAP_SECONDS * S
SKEW = TAIL_SKEW_SECONDS * S


def raw(*entries: Entry) -> list[msgspec.Raw]:
    return [msgspec.Raw(json.dumps(one).encode()) for one in entries]


def at(seconds: float, number: int = 0) -> list[msgspec.Raw]:
    return raw(entry(number, BASE + int(seconds * S)))


def test_before_any_connection_there_is_nothing_to_resume() -> None:
    assert TailMemory().resume_from() is None
    assert TailMemory(begin=BASE).resume_from() is None


def test_with_nothing_shown_it_resumes_shortly_before_it_began() -> None:
    memory = TailMemory()
    memory.connected(BASE)
    memory.heard(BASE + 3600 * S)
    memory.connected(BASE + 7200 * S)
    assert memory.resume_from() == BASE - SKEW


def test_it_resumes_before_the_newest_entry() -> None:
    memory = TailMemory()
    memory.connected(BASE)
    memory.unseen(at(100, 1))
    memory.heard(BASE + 101 * S)
    assert memory.resume_from() == BASE + 100 * S - OVERLAP


def test_an_entry_from_the_future_hides_nothing() -> None:
    memory = TailMemory()
    memory.connected(BASE)
    memory.unseen(at(600, 1))
    memory.heard(BASE + 50 * S)
    assert memory.resume_from() == BASE + 50 * S - OVERLAP


def test_a_connection_lost_before_its_history_came_changes_nothing() -> None:
    memory = TailMemory()
    memory.connected(BASE)
    memory.unseen(at(600, 1))
    memory.heard(BASE + 50 * S)
    memory.connected(BASE + 400 * S)
    memory.heard(BASE + 401 * S)
    assert memory.resume_from() == BASE + 50 * S - OVERLAP


def test_it_never_reaches_back_before_what_was_asked_for() -> None:
    memory = TailMemory(begin=BASE)
    memory.connected(BASE + 1 * S)
    assert memory.resume_from() == BASE
    memory.unseen(at(1, 1))
    assert memory.resume_from() == BASE


def test_a_late_entry_is_shown_and_does_not_move_the_resumption() -> None:
    memory = TailMemory()
    memory.connected(BASE)
    memory.unseen(at(100, 1))
    memory.heard(BASE + 100 * S)
    assert len(memory.unseen(at(-3600, 2))) == 1
    assert memory.resume_from() == BASE + 100 * S - OVERLAP


def test_it_reaches_back_no_further_than_it_remembers() -> None:
    memory = TailMemory(most=3)
    memory.connected(BASE)
    memory.unseen(raw(*(entry(number, BASE + number) for number in range(5))))
    assert memory.resume_from() == BASE + 2
    again, new = raw(*(entry(number, BASE + number) for number in range(2, 5))), at(1, 9)
    assert memory.unseen([*again, *new]) == new


def test_it_forgets_what_can_no_longer_come_again() -> None:
    memory = TailMemory()
    memory.connected(BASE)
    memory.unseen(at(0, 1))
    memory.unseen(at(5, 2))
    memory.unseen(at(5 + TAIL_OVERLAP_SECONDS, 3))
    memory.heard(BASE + 3600 * S)
    memory.unseen([])
    assert memory.remembered == 2


@pytest.mark.parametrize(
    ("document", "error"),
    [
        (b'{"id":"1"}', msgspec.ValidationError),
        (b'{"id":1,"timestamp":"2026-01-15T10:30:00Z"}', msgspec.ValidationError),
        (b'{"id":"1","timestamp":"yesterday"}', InvalidRequestError),
        (b"{", msgspec.DecodeError),
    ],
)
def test_what_is_no_entry(document: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        TailMemory().unseen([msgspec.Raw(document)])


@attrs.frozen
class Commit:
    """Store an entry whose sender lags by `lag` nanoseconds, or whose clock is ahead if that is negative."""

    lag: int


@attrs.frozen
class Wait:
    """Let time pass, in nanoseconds."""

    time: int


@attrs.frozen
class Cut:
    """Break the connection."""


@attrs.frozen
class Reconnect:
    """Connect again; the new connection breaks after `history` entries of its history, None if it holds."""

    history: int | None


Step = Commit | Wait | Cut | Reconnect
STEPS = st.lists(
    st.one_of(
        st.builds(Commit, st.integers(0, SKEW)),
        st.builds(Commit, st.just(-600 * S)),
        st.builds(Wait, st.integers(0, 60 * S)),
        st.builds(Cut),
        st.builds(Reconnect, st.one_of(st.none(), st.integers(0, 5))),
    ),
    max_size=40,
)


class Story:
    """Let a server and a tail live through steps, and keep what the tail shows."""

    def __init__(self, memory: TailMemory) -> None:
        self._memory = memory
        self._now = BASE
        self._up = True
        self._stored: list[tuple[int, Entry]] = []
        self.shown: list[str] = []
        memory.connected(BASE)

    @property
    def stored(self) -> list[str]:
        return [str(one["id"]) for _, one in self._stored]

    def live(self, steps: Sequence[Step]) -> None:
        for step in steps:
            match step:
                case Wait(time):
                    self._now += time
                case Cut():
                    self._up = False
                case Commit(lag):
                    one = entry(len(self._stored), self._now - lag)
                    self._stored.append((self._now - lag, one))
                    if self._up:
                        self._send(one)
                case Reconnect(history):
                    self._reconnect(history)

    def _reconnect(self, history: int | None) -> None:
        start = self._memory.resume_from()
        assert start is not None
        self._memory.connected(self._now)
        self._memory.heard(self._now)
        due = sorted((time, str(one["id"]), one) for time, one in self._stored if time >= start)
        for _, _, one in due[:history]:
            self._send(one)
        self._up = history is None

    def _send(self, one: Entry) -> None:
        self.shown += [msgspec.json.decode(fresh)["id"] for fresh in self._memory.unseen(raw(one))]
        self._memory.heard(self._now)


@settings(deadline=None, max_examples=300)
@given(STEPS)
@example([Commit(-600 * S), Cut(), Wait(60 * S), Commit(0), Wait(60 * S), Reconnect(0)])
@example([Cut(), Wait(60 * S), Commit(0), Wait(60 * S), Reconnect(0)])
def test_whatever_breaks_each_entry_is_shown_exactly_once(steps: Sequence[Step]) -> None:
    story = Story(TailMemory())
    story.live([*steps, Reconnect(None)])
    assert sorted(story.shown) == story.stored


@settings(deadline=None, max_examples=300)
@given(STEPS, st.integers(1, 5))
def test_with_a_short_memory_nothing_is_shown_twice_still(steps: Sequence[Step], most: int) -> None:
    story = Story(TailMemory(most=most))
    story.live([*steps, Reconnect(None)])
    assert len(set(story.shown)) == len(story.shown)
