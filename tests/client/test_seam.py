"""Pages with context, joined: each entry once, and what matches as a match."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.client import seam
from logpulse.client.api import ApiClient, Direction, LogQuery
from logpulse.client.failure import UnexpectedAnswerError
from logpulse.client.seam import Seam, may_repeat
from logpulse.client.window import TimeWindow
from logpulse.client.wire import Page

from .fake_server import BASE, HANG_UP, Answer, Entry, RunningServer, entry


@attrs.frozen
class Stored:
    """Hold an entry of some stream, its number being its time, and whether it matches."""

    number: int
    stream: int
    matches: bool

    def shown(self, as_match: bool) -> Entry:
        return entry(self.number, BASE + self.number) | ({} if as_match else {"context": True})


def pages_of(entries: Sequence[Stored], before: int, after: int, matches: int, sign: int) -> Iterator[Page]:
    """Answer as the server does, so many matches a page, each page complete in itself."""
    found = [each for each in entries if each.matches][::sign]
    for begin in range(0, len(found), matches):
        chosen = found[begin : begin + matches]
        shown = {}
        for match in chosen:
            stream = [each for each in entries if each.stream == match.stream]
            at = stream.index(match)
            for each in stream[max(0, at - before) : at + 1 + after]:
                shown[each.number] = each.shown(as_match=each in chosen)
        yield page([shown[number] for number in sorted(shown, reverse=sign < 0)])


def page(entries: Sequence[Entry]) -> Page:
    return Page(logs=[msgspec.Raw(json.dumps(each).encode()) for each in entries])


def joined(pages: Sequence[Page], sign: int) -> list[list[Entry]]:
    seam = Seam(sign)
    given = [seam.joined(each) for each in pages[:-1]] + [seam.closed(each) for each in pages[-1:]]
    return [[json.loads(bytes(one)) for one in each.logs] for each in given]


@given(
    kinds=st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=40),
    before=st.integers(0, 4),
    after=st.integers(0, 4),
    matches=st.integers(1, 4),
    sign=st.sampled_from([1, -1]),
)
def test_each_entry_comes_once_and_a_match_as_one(
    kinds: list[tuple[int, bool]], before: int, after: int, matches: int, sign: int
) -> None:
    entries = [Stored(number, *kind) for number, kind in enumerate(kinds)]
    pages = list(pages_of(entries, before, after, matches, sign))
    given = [one for each in joined(pages, sign) for one in each]
    shown = {json.loads(bytes(one))["id"] for each in pages for one in each.logs}
    assert sorted(str(one["id"]) for one in given) == sorted(shown)
    assert {one["id"] for one in given if "context" not in one} == {
        f"{each.number:08d}" for each in entries if each.matches
    }
    if len({each.stream for each in entries}) == 1:
        assert [one["id"] for one in given] == sorted(shown, reverse=sign < 0)


def test_context_behind_the_last_match_waits_for_the_next_page() -> None:
    near = [Stored(number, 0, number in (1, 3)) for number in range(5)]
    first = page([near[1].shown(True), near[2].shown(False), near[3].shown(False)])
    second = page([near[1].shown(False), near[2].shown(False), near[3].shown(True), near[4].shown(False)])
    assert [[str(one["id"])[-1] for one in each] for each in joined([first, second], 1)] == [["1"], ["2", "3", "4"]]


def test_what_waits_and_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seam, "SEAM_HELD", 2)
    monkeypatch.setattr(seam, "SEAM_REMEMBERED", 3)
    found = Seam(1)
    contexts = [Stored(number, 0, False).shown(False) for number in range(9)]
    assert len(found.joined(page(contexts)).logs) == 7
    assert len(found._held) == 2
    assert len(found._given) == 3


def test_only_queries_with_context_are_looked_at() -> None:
    assert may_repeat('{a="b"} | CONTEXT before=1')
    assert not may_repeat('{a="b"} | json')


def test_an_entry_that_cannot_be_read_is_named() -> None:
    with pytest.raises(UnexpectedAnswerError, match="sent an entry that cannot be read"):
        Seam(1).joined(Page(logs=[msgspec.Raw(b"{}")]))


def test_a_client_joins_pages_through_a_lost_connection(running: RunningServer) -> None:
    near = [Stored(number, 0, number in (1, 3)) for number in range(5)]
    first = [near[0].shown(False), near[1].shown(True), near[2].shown(False)]
    second = [near[2].shown(False), near[3].shown(True), near[4].shown(False)]
    answers = [Answer(body={"logs": first, "next": "c"}), HANG_UP, Answer(body={"logs": second, "next": None})]
    running.server.scripted["/query"].extend(answers)
    query = LogQuery('{service="api"} | context before=1 after=1', TimeWindow(), Direction.FORWARD)
    with ApiClient(running.address, lambda _: None, sleep=lambda _: None) as client:
        pages = list(client.unbroken_pages(query))
    ids = [json.loads(bytes(one))["id"][-1] for each in pages for one in each.logs]
    assert ids == ["0", "1", "2", "3", "4"]
