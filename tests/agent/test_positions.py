from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from agent.identity import Identity, Mark
from agent.positions import Point, Positions, Record, Span
from agent.positions_file import PositionsEncoder, _RecordText, decode_positions
from logpulse.limits import AGENT_FORGET_SECONDS, OLDEST_NS


@attrs.define
class Clock:
    """Hold the time of a test."""

    now: float = 1e9

    def __call__(self) -> float:
        return self.now


def _record(inode: int, *, pending: tuple[Span, ...] = ()) -> Record:
    return Record(Identity(1, inode), f"/{inode}", f"/{inode}", pending=pending)


SPAN = Span(0, Point(Mark(5, "a", "b")), OLDEST_NS)


@pytest.mark.parametrize("pending", [(), (SPAN,)])
def test_a_file_not_seen_for_long_is_forgotten(pending: tuple[Span, ...]) -> None:
    """Also one of which something was sent by a process that died."""
    clock = Clock()
    positions = Positions(wall_clock=clock)
    gone, there = _record(1, pending=pending), _record(2)
    positions.add(gone)
    positions.add(there)
    clock.now += AGENT_FORGET_SECONDS - 1
    positions.tidy([there])
    assert positions.records == [gone, there]
    clock.now += 1
    positions.tidy([there])
    assert positions.records == [there]
    clock.now += AGENT_FORGET_SECONDS
    positions.tidy([there])
    assert positions.records == [there]


def test_a_file_is_not_forgotten_while_its_lines_are_on_their_way() -> None:
    clock = Clock()
    positions = Positions(wall_clock=clock)
    record = _record(1)
    positions.add(record)
    record.reached = SPAN.end
    for _ in range(3):
        clock.now += AGENT_FORGET_SECONDS - 1
        positions.tidy([])
    assert positions.records == [record]
    positions.pledge([(record, SPAN)])
    positions.acknowledge([(record, SPAN)])
    clock.now += AGENT_FORGET_SECONDS
    positions.tidy([])
    assert positions.records == []


def test_only_what_changed_is_written_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    of = _RecordText.of

    def counted(record: Record) -> _RecordText:
        written.append(record.path)
        return of(record)

    monkeypatch.setattr(_RecordText, "of", counted)
    positions = Positions()
    for inode in range(3):
        positions.add(_record(inode))
    encoder = PositionsEncoder()
    assert encoder.encode(positions) == encoder.encode(positions)
    assert written == ["/0", "/1", "/2"]
    positions.pledge([(positions.records[1], SPAN)])
    encoder.encode(positions)
    assert written[3:] == ["/1"]


@pytest.mark.parametrize(
    "change",
    [
        {"identity": Identity(7, 7)},
        {"path": "/x"},
        {"filename": "/x"},
        {"delivered": SPAN.end},
        {"pending": (SPAN,)},
        {"seen": 7.0},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_change_is_written(change: dict[str, object]) -> None:
    positions = Positions()
    positions.add(_record(1))
    encoder = PositionsEncoder()
    encoder.encode(positions)
    for name, value in change.items():
        setattr(positions.records[0], name, value)
    (read,) = decode_positions(encoder.encode(positions), Path("positions")).records
    for name, value in change.items():
        assert getattr(read, name) == value
