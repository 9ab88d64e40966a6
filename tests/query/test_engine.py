"""The engine around its laws: what stops a query, what it may touch, and what happens to it when files go bad."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from logpulse.errors import InvalidRequestError, LimitExceededError, QueryCancelledError, StorageError
from logpulse.limits import DAY_NS
from logpulse.logql.ast import LogQuery, Selector
from logpulse.logql.parser import parse_log_query, parse_selector
from logpulse.query.engine import LogsRequest
from logpulse.query.executor import EngineFaultError, Executor, ScanTask, UnreadableSourceError
from logpulse.query.interrupt import Interrupt
from logpulse.query.result import Cursor, Direction

from ..strategies import NOON, LogEntry, batch_of, entry
from .scanning import Searchable, searchable, shown

EVERYTHING = LogQuery(Selector(()))
ENDLESS = "select count(*) as n from range(10000000000) a, range(1000) b where (a.range * b.range) % 7 = 3"


def three_segments(found: Searchable) -> list[LogEntry]:
    """Store one entry in each of three segments, and one in memory."""
    stored = [entry(f"entry {number}", NOON + number) for number in range(4)]
    for number, each in enumerate(stored):
        found.store.append([batch_of([each])])
        if number < 3:
            found.store.flush()
    return stored


# -- stopping ---------------------------------------------------------------------------------------------------------


def test_a_pulled_interrupt_stops_a_running_scan(tmp_path: Path) -> None:
    interrupt = Interrupt()
    outcome: list[str] = []

    def scan() -> None:
        try:
            executor.run(ScanTask(ENDLESS), interrupt)
        except QueryCancelledError:
            outcome.append("cancelled")

    with Executor(tmp_path, threads=1, memory=64 << 20) as executor:
        thread = threading.Thread(target=scan)
        thread.start()
        while thread.is_alive():  # a pull that comes before the scan has begun is lost to DuckDB
            interrupt.pull()
            thread.join(0.01)
        assert outcome == ["cancelled"]
        assert executor.run(ScanTask("select 1 as n"), Interrupt()).to_pylist() == [{"n": 1}], "the next one runs"


def test_a_pulled_interrupt_stops_what_would_run_next(tmp_path: Path) -> None:
    with searchable(tmp_path) as found:
        three_segments(found)
        interrupt = Interrupt()
        interrupt.pull()
        with pytest.raises(QueryCancelledError):
            found.engine.logs(LogsRequest(EVERYTHING), interrupt)
        assert not found.store._readers, "nobody reads any more"


# -- what a query may touch -------------------------------------------------------------------------------------------


def test_queries_read_nothing_outside_the_data_folder(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("password\nhunter2\n")
    data = tmp_path / "data"
    data.mkdir()
    (data / "link.csv").write_text("a\n1\n")
    with Executor(data, threads=1, memory=64 << 20) as executor:
        cursor = executor._database.cursor()
        assert cursor.execute(f"select * from read_csv('{data}/link.csv')").fetchall() == [(1,)]
        for path in (secret, data / ".." / "secret.csv", Path("/etc/passwd"), tmp_path / "dataelse.csv"):
            with pytest.raises(duckdb.Error, match=r"disabled by configuration|Permission"):
                cursor.execute(f"select * from read_csv('{path}')")
        for statement in (
            f"copy (select 1) to '{tmp_path / 'written.csv'}'",
            f"attach '{tmp_path / 'other.db'}'",
            "set enable_external_access = true",
            "set memory_limit = '100GB'",
            "set allowed_directories = ['/']",
            "install httpfs",
            "load httpfs",
        ):
            with pytest.raises(duckdb.Error):
                cursor.execute(statement)
        with pytest.raises(UnreadableSourceError):
            executor.run(ScanTask("select * from read_csv(?)", (str(secret),)), Interrupt())
    assert not (tmp_path / "written.csv").exists()


def test_tables_beside_a_task_are_seen_by_that_task_only(tmp_path: Path) -> None:
    with Executor(tmp_path, threads=1, memory=64 << 20) as executor:
        task = ScanTask("select sum(x) as total from mine", (), {"mine": pa.table({"x": [1, 2, 3]})})
        assert executor.run(task, Interrupt()).to_pylist() == [{"total": 6}]
        with pytest.raises(UnreadableSourceError, match="mine"):
            executor.run(ScanTask("select * from mine"), Interrupt())


def test_a_query_that_needs_too_much_memory_is_refused_by_name(tmp_path: Path) -> None:
    with Executor(tmp_path, threads=1, memory=32 << 20) as executor:
        task = ScanTask("select list(repeat('x', 100000) || i) from range(100000) t(i)")
        with pytest.raises(LimitExceededError, match=r"query memory is limited to 33554432 bytes.*raise query\.memory"):
            executor.run(task, Interrupt())
        assert executor.run(ScanTask("select 1 as n"), Interrupt()).num_rows == 1


@pytest.mark.parametrize("name", ["with blank", "it's", "br[ack]ets*?", "ünïcode"])
def test_any_data_folder_can_be_queried(tmp_path: Path, name: str) -> None:
    (tmp_path / "bra").mkdir()
    with searchable(tmp_path / name) as found:
        stored = three_segments(found)
        assert shown(found.page(EVERYTHING)) == stored


@pytest.mark.parametrize(
    "text", ["it's", "'; drop table x; --", "?", "$1", "%s", "\\", '"', "\0", "{}", "/* */", "é"], ids=repr
)
def test_text_of_a_client_is_never_sql(tmp_path: Path, text: str) -> None:
    with searchable(tmp_path) as found:
        mine = [entry(f"before {text} after"), entry("something else")]
        found.store.append([batch_of(mine)])
        query = parse_log_query('{service="api"} |= "x"')
        (stage,) = query.stages
        asked = parse_log_query(str(query).replace('"x"', _quoted(text)))
        assert asked.stages != (stage,)
        assert shown(found.page(asked)) == mine[:1]
        found.store.flush()
        assert shown(found.page(asked)) == mine[:1]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\0", "\\x00") + '"'


def cut(path: Path) -> None:
    """Lose the second half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    """Lose what was in a file."""
    path.write_bytes(b"")


def delete(path: Path) -> None:
    """Lose a file."""
    path.unlink()


def spoil_a_page(path: Path) -> None:
    """Damage the compressed text."""
    data = bytearray(path.read_bytes())
    data[4:200] = b"\xff" * 196
    path.write_bytes(data)


def spoil_the_footer(path: Path) -> None:
    """Damage what says where everything is."""
    data = bytearray(path.read_bytes())
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    data[footer : footer + 40] = b"\x15" * 40
    path.write_bytes(data)


@pytest.mark.parametrize("harm", [cut, empty, delete, spoil_a_page, spoil_the_footer])
@pytest.mark.parametrize("direction", Direction)
def test_a_damaged_segment_is_set_aside_and_the_rest_is_served(
    tmp_path: Path, harm: object, direction: Direction
) -> None:
    assert callable(harm)
    with searchable(tmp_path) as found:
        stored = three_segments(found)
        middle = found.store.view.segments[1]
        with found.store.reading():  # another query is under way and may see the file go
            harm(middle.path)
            rest = [stored[0], *stored[2:]]
            assert shown(found.page(EVERYTHING, direction)) == (rest if direction is Direction.FORWARD else rest[::-1])
        assert [problem.code for problem in found.store.problems.listed()] == ["segment_damaged"]
        assert len(found.store.view.segments) == 2
        assert middle.path.name in [path.name for path in found.store.folder.quarantine.iterdir()] or harm is delete
        assert len(found.page(EVERYTHING).entries) == 3
        assert found.store.append([batch_of([stored[1]])]) is not None, "what was lost can be sent again"
        assert shown(found.page(EVERYTHING)) == stored
    with searchable(tmp_path) as found:
        assert shown(found.page(EVERYTHING)) == stored


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (duckdb.IOException("too many open files"), StorageError),
        (duckdb.FatalException("database has been invalidated"), EngineFaultError),
        (duckdb.InternalException("assertion failed"), EngineFaultError),
    ],
)
def test_a_failure_of_the_engine_costs_no_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: duckdb.Error, raised: type[Exception]
) -> None:
    def fail(*_: object) -> None:
        raise failure

    with searchable(tmp_path) as found:
        stored = three_segments(found)
        with monkeypatch.context() as patch:
            patch.setattr(found.engine._executor, "_read", fail)
            with pytest.raises(raised):
                found.page(EVERYTHING)
        assert len(found.store.view.segments) == 3
        assert not found.store.problems.listed()
        assert shown(found.page(EVERYTHING)) == stored, "the next query finds the engine renewed"


def test_a_query_goes_on_over_its_view_while_retention_deletes(tmp_path: Path) -> None:
    with searchable(tmp_path) as found:
        old = entry("old", NOON - 60 * DAY_NS, service="archive")
        found.store.append([batch_of([old])])
        found.store.flush()
        found.store.append([batch_of([entry("in memory")])])
        found.store._clock = lambda: NOON + 30 * DAY_NS
        with found.store.reading() as view:
            assert len(found.store.retain()) == 1
            page = found.engine.logs_of(view, LogsRequest(EVERYTHING, direction=Direction.FORWARD), Interrupt())
            assert shown(page) == [old, entry("in memory")]
        assert shown(found.page(EVERYTHING)) == [entry("in memory")]
        assert not found.store.problems.listed()


# -- labels, cursors and answers --------------------------------------------------------------------------------------


def test_labels_are_listed_by_selector_and_time(tmp_path: Path) -> None:
    with searchable(tmp_path) as found:
        found.store.append(
            [batch_of([entry("a", NOON - 2 * DAY_NS, service="old"), entry("b", NOON, service="api", env="test")])]
        )
        found.store.flush()
        found.store.append([batch_of([entry("c", NOON + 1, service="web")])])
        engine, everything = found.engine, parse_selector("{}")
        assert engine.label_names(everything, 0, 2**63 - 1) == ["env", "service"]
        assert engine.label_values("service", everything, 0, 2**63 - 1) == ["api", "old", "web"]
        assert engine.label_values("service", everything, NOON, NOON + 2) == ["api", "web"]
        assert engine.label_values("service", everything, NOON + 1, NOON + 2) == ["web"]
        assert engine.label_values("service", everything, NOON + 2, NOON + 9) == []
        assert engine.label_names(parse_selector('{service="web"}'), 0, 2**63 - 1) == ["service"]
        assert engine.label_values("absent", everything, 0, 2**63 - 1) == []


@pytest.mark.parametrize("text", ["", "x", "AAAA", "not base64!", "é", "A" * 39, "A" * 1000, "\0"])
def test_a_cursor_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError, match="cursor: must be the `next` of an earlier answer"):
        Cursor.parse(text)


@pytest.mark.parametrize("repeats", [0, 1, 2**32 - 1])
@pytest.mark.parametrize("direction", Direction)
def test_a_forged_cursor_ends(tmp_path: Path, repeats: int, direction: Direction) -> None:
    with searchable(tmp_path) as found:
        same = [entry(f"line {number}") for number in range(20)]
        found.store.append([batch_of(same)])
        page = found.page(EVERYTHING, direction, 3, cursor=Cursor(NOON, same[0].labels.id, b"no such!", repeats))
        assert (page.entries, page.next) == ((), None)


def test_a_page_ends_early_before_it_holds_too_much_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logpulse.query.logs.PAGE_TEXT_BYTES", 1000)
    with searchable(tmp_path) as found:
        stored = [entry("x" * 400 + str(number), NOON + number) for number in range(5)]
        stored.append(entry("y" * 5000, NOON + 5))
        found.store.append([batch_of(stored)])
        pages = [shown(page) for page in found.pages(EVERYTHING, Direction.FORWARD, 100)]
    assert [len(page) for page in pages] == [2, 2, 1, 1], "a line above the bound comes alone"
    assert [each for page in pages for each in page] == stored


def test_ids_tell_entries_apart(tmp_path: Path) -> None:
    with searchable(tmp_path) as found:
        confusing = [
            entry("a", metadata={"b": "c"}),
            entry('a{"b":"c"}'),
            entry('a\0{"b":"c"}'),
            entry("a"),
            entry("a", NOON + 1),
            entry("a", service="web"),
        ]
        found.store.append([batch_of(confusing)])
        page = found.page(EVERYTHING)
        assert len({each.id for each in page.entries}) == len(confusing)
        found.store.flush()
        assert [each.id for each in found.page(EVERYTHING).entries] == [each.id for each in page.entries]


def test_many_streams_are_selected_by_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logpulse.query.place._INLINE_STREAMS", 3)
    with searchable(tmp_path) as found:
        stored = [entry(f"{number}", NOON + number, pod=f"p{number}", even=str(number % 2)) for number in range(20)]
        found.store.append([batch_of(stored[:10])])
        found.store.flush()
        found.store.append([batch_of(stored[10:])])
        assert shown(found.page(parse_log_query('{even="0"}'))) == stored[::2]
