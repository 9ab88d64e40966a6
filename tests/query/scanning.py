"""The same answer by plain Python: filter every entry, sort, cut. And stores that hold entries in every place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs
import re2
from hypothesis import strategies as st

from logpulse.logql.ast import LineFilter, LineFilterOperator, LogQuery, TextOperand
from logpulse.model.matcher import Matcher, MatchOperator
from logpulse.query.engine import Engine, LogsRequest
from logpulse.query.executor import Executor
from logpulse.query.interrupt import Interrupt
from logpulse.query.result import Cursor, Direction, LogsPage
from logpulse.storage.store import Store, StorePolicy, open_store

from ..strategies import NOON, LogEntry, batch_of, entries

POLICY = StorePolicy(wal_sync="none", chunk_bytes=1 << 10, disk_reserve_bytes=0)


@attrs.frozen
class Searchable:
    """Hold a store and the engine that reads it."""

    store: Store
    engine: Engine

    def page(
        self,
        query: LogQuery,
        direction: Direction = Direction.FORWARD,
        limit: int = 100_000,
        *,
        start: int = 0,
        end: int = 2**63 - 1,
        cursor: Cursor | None = None,
    ) -> LogsPage:
        """Ask for one page."""
        return self.engine.logs(LogsRequest(query, start, end, limit, direction, cursor), Interrupt())

    def pages(self, query: LogQuery, direction: Direction, limit: int) -> Iterator[LogsPage]:
        """Ask for page after page, each cursor going through its text as it does between server and client."""
        page = self.page(query, direction, limit)
        yield page
        while page.next is not None:
            page = self.page(query, direction, limit, cursor=Cursor.parse(str(page.next)))
            yield page


@contextmanager
def searchable(root: Path, executor: Executor | None = None) -> Iterator[Searchable]:
    """Open a store at `root` with an engine around it."""
    with open_store(root, POLICY, clock=lambda: NOON) as store:
        if executor is not None:
            yield Searchable(store, Engine(store, executor))
            return
        with Executor(root, threads=2, memory=64 << 20) as own:
            yield Searchable(store, Engine(store, own))


@contextmanager
def spread(
    parts: Sequence[Sequence[LogEntry]], flushes: Sequence[bool], reopen: bool, executor: Executor
) -> Iterator[Searchable]:
    """Store parts in order, some of them flushed to segments of their own, and perhaps start again."""
    with TemporaryDirectory(prefix="logpulse-query-") as root:
        with searchable(Path(root), executor) as found:
            for part, flush in zip(parts, flushes, strict=True):
                found.store.append([batch_of(part)])
                if flush:
                    found.store.flush()
            if not reopen:
                yield found
        if reopen:
            with searchable(Path(root), executor) as found:
                yield found


def shown(page: LogsPage) -> list[LogEntry]:
    """Give the entries of a page in the form of the tests."""
    return [LogEntry(each.labels, each.timestamp, each.line, each.metadata) for each in page.entries]


def expected(
    entries: Sequence[LogEntry], query: LogQuery, direction: Direction, start: int = 0, end: int = 2**63 - 1
) -> list[LogEntry]:
    """Answer a query in the simplest way: every entry once, in commit order, then sorted by time and stream."""
    found = [
        each
        for each in dict.fromkeys(entries)
        if start <= each.timestamp < end
        and all(_matches(matcher, each) for matcher in query.selector.matchers)
        and all(isinstance(stage, LineFilter) and _passes(stage, each.line) for stage in query.stages)
    ]
    found.sort(key=lambda each: (each.timestamp, each.labels.id))
    return found if direction is Direction.FORWARD else found[::-1]


def _matches(matcher: Matcher, entry: LogEntry) -> bool:
    value = dict(entry.labels.pairs).get(matcher.name, "")
    same = (
        value == matcher.value
        if matcher.operator in (MatchOperator.EQUAL, MatchOperator.NOT_EQUAL)
        else re2.fullmatch(matcher.value, value) is not None
    )
    return same != matcher.operator.negative


def _passes(stage: LineFilter, line: str) -> bool:
    texts = [operand.value for operand in stage.alternatives if isinstance(operand, TextOperand)]
    texts = [text for text in texts if text] or [""]
    substring = stage.operator in (LineFilterOperator.CONTAINS, LineFilterOperator.NOT_CONTAINS)
    found = any(text in line if substring else re2.search(text, line) is not None for text in texts)
    return found != stage.operator.negative


# -- strategies -------------------------------------------------------------------------------------------------------

WORDS = ["", "a", "é", "É", "GET", "get", "\n", "\t", "日本", "💥", "\0", '"', "\\", "%", "_", "timeout=5s", "é́"]
PATTERNS = [
    "", ".", "a.b", "^a", "b$", "(?i)get", "(?s)a.b", "(?m)^b", r"\d+", r"\w+", r"\bGET\b", "[^a]", "é|日",
    r"\x{1F4A5}", r"\s", r"\n", "a*", "^$", "^.*$", r"\pL", r"(?:a|b)+c?", r"\.", r"\Aa", r"b\z", "(a)(b)?",
]  # fmt: skip
lines = st.one_of(
    st.lists(st.sampled_from([*WORDS, "b", "ab", "a\nb", " "]), max_size=5).map("".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)
_texts = st.one_of(st.sampled_from(WORDS), st.text(st.characters(exclude_categories=["Cs"]), max_size=3))
_patterns = st.one_of(st.sampled_from(PATTERNS), _texts.map(re.escape).filter(lambda text: "\0" not in text))


def _filters(operators: list[LineFilterOperator], texts: st.SearchStrategy[str]) -> st.SearchStrategy[LineFilter]:
    alternatives = st.lists(texts.map(TextOperand), min_size=1, max_size=3).map(tuple)
    return st.builds(LineFilter, st.sampled_from(operators), alternatives)


line_filters = st.one_of(
    _filters([LineFilterOperator.CONTAINS, LineFilterOperator.NOT_CONTAINS], _texts),
    _filters([LineFilterOperator.MATCHES, LineFilterOperator.NOT_MATCHES], _patterns),
)
_names = st.sampled_from(["service", "env", "job", "absent"])
matchers = st.one_of(
    st.builds(
        Matcher,
        _names,
        st.sampled_from([MatchOperator.EQUAL, MatchOperator.NOT_EQUAL]),
        st.sampled_from(["", "api", "test", "cron", "ap"]),
    ),
    st.builds(
        Matcher,
        _names,
        st.sampled_from([MatchOperator.REGEX, MatchOperator.NOT_REGEX]),
        st.sampled_from(["", ".*", ".+", "ap", "api", "a.*|cron", "(?i)API", "[^t]*"]),
    ),
)
DIRECTIONS = st.sampled_from(Direction)


@st.composite
def placed_entries(draw: st.DrawFn) -> tuple[list[list[LogEntry]], list[bool], bool]:
    """Draw parts of entries, which of them are flushed, and whether the store is opened again."""
    found = st.lists(st.builds(attrs.evolve, entries, line=lines), min_size=1, max_size=8)
    parts = draw(st.lists(found, min_size=1, max_size=4))
    return parts, draw(st.lists(st.booleans(), min_size=len(parts), max_size=len(parts))), draw(st.booleans())
