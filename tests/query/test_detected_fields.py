"""Fields that a sample of records has."""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.errors import QueryCancelledError
from logpulse.logql.base import make_base
from logpulse.logql.parser import parse_log_query
from logpulse.logql.pipeline import Pipeline
from logpulse.logql.record import Record
from logpulse.model.labels import Labels
from logpulse.query.detected_fields import DetectedField, detect_fields, field_values
from logpulse.query.field_type import FieldType
from logpulse.query.interrupt import Interrupt
from logpulse.wire.metadata import canonical_metadata

STREAM = Labels.of({"app": "shop", "env": "prod"})


def record(line: str, metadata: Mapping[str, str] | None = None) -> Record:
    return Record(0, line, make_base(STREAM, canonical_metadata(metadata) if metadata else None))


def after(stages: str, *records: Record) -> list[Record]:
    """Run records through a pipeline, and keep what it keeps."""
    pipeline = Pipeline(parse_log_query(f'{{app="shop"}} {stages}').stages)
    return [each for each in records if pipeline.run(each)]


def fields(*records: Record, most: int = 100) -> list[DetectedField]:
    return detect_fields(records, most, Interrupt())


def values(name: str, *records: Record, most: int = 100) -> list[str]:
    return field_values(records, name, most, Interrupt())


def test_json_with_its_paths() -> None:
    lines = [
        '{"user":{"id":7,"full name":"ada"},"ok":true,"app":"x","none":null,"list":[1]}',
        '{"user":{"id":8,"full name":"ada"},"ok":false,"took":"5ms","9-lives":"3KiB"}',
    ]
    assert fields(*map(record, lines)) == [
        DetectedField("user_id", FieldType.INTEGER, {"7": 1, "8": 1}, ("json",), ("user", "id")),
        DetectedField("user_full_name", FieldType.STRING, {"ada": 2}, ("json",), ("user", "full name")),
        DetectedField("ok", FieldType.BOOLEAN, {"true": 1, "false": 1}, ("json",), ("ok",)),
        DetectedField("app_extracted", FieldType.STRING, {"x": 1}, ("json",), ("app",)),
        DetectedField("took", FieldType.DURATION, {"5ms": 1}, ("json",), ("took",)),
        DetectedField("_9_lives", FieldType.BYTES, {"3KiB": 1}, ("json",), ("9-lives",)),
    ]


def test_what_is_no_json_is_logfmt() -> None:
    lines = ["level=info dur=1.5s", 'level=warn {"a":1', '{"level":"x"', "plain words", ""]
    assert fields(*map(record, lines)) == [
        DetectedField("level", FieldType.STRING, {"info": 1, "warn": 1}, ("logfmt",), ()),
        DetectedField("dur", FieldType.DURATION, {"1.5s": 1}, ("logfmt",), ()),
    ]


def test_both_parsers_of_one_field() -> None:
    (found,) = fields(record("a=1"), record('{"a":"x"}'))
    assert found == DetectedField("a", FieldType.STRING, {"1": 1, "x": 1}, ("logfmt", "json"), ("a",))


def test_metadata_has_no_parser_unless_a_line_has_the_name_too() -> None:
    found = fields(record("user=ada", {"user": "bob", "trace.id": "t1", "app": "meta"}))
    assert found == [
        DetectedField("app_extracted", FieldType.STRING, {"meta": 1}, (), ()),
        DetectedField("trace_id", FieldType.STRING, {"t1": 1}, (), ()),
        DetectedField("user", FieldType.STRING, {"bob": 1, "ada": 1}, ("logfmt",), ()),
    ]


def test_an_entry_counts_once_for_a_value_that_it_has_twice() -> None:
    (found,) = fields(record("user=ada", {"user": "ada"}), record("user=ada"))
    assert found.values == {"ada": 2}


@pytest.mark.parametrize("stages", ["", "| json", '| json | ok="true"', "| json | drop n", '|= "ok"'])
def test_parsers_of_the_query_change_no_field(stages: str) -> None:
    lines = [record(f'{{"n":{n},"ok":"true","app":"x"}}') for n in range(3)]
    assert fields(*after(stages, *lines)) == fields(*after("", *lines))


def test_labels_that_the_pipeline_makes_count() -> None:
    found = fields(*after('| label_format extra="{{.app}}!", env="dev"', record("a=1")))
    assert [(each.label, each.cardinality) for each in found] == [("env", 1), ("extra", 1), ("a", 1)]
    found = fields(*after('| line_format "b=2"', record("a=1")))
    assert [each.label for each in found] == ["b"]
    assert fields(*after("| json", record("no json"))) == [], "errors are no fields"


def test_the_oldest_value_gives_the_type() -> None:
    (found,) = fields(record("a=x"), record("a=1.5"), record("b"))
    assert found.type is FieldType.FLOAT


def test_no_more_fields_than_asked_for() -> None:
    found = fields(record("a=1 b=2 c=3"), record("c=4 a=2"), most=2)
    assert [(each.label, each.cardinality) for each in found] == [("a", 2), ("b", 1)]


@pytest.mark.parametrize(
    ("written", "queried"),
    [("12KB", "12kB"), ("1.5MiB", "1.6MB"), ("7b", "7B"), ("1024k", "1.0MB"), ("5m", "5.0MB"), ("999950B", "1000kB"),
     ("12ms", "12ms"), ("200", "200"), ("some", "some"), ("", None), ("16EiB", "16EiB")],
)  # fmt: skip
def test_sizes_may_stand_in_a_query(written: str, queried: str | None) -> None:
    assert values("v", record(f'v="{written}"')) == ([] if queried is None else [queried])


def test_values_are_of_lines_and_metadata_and_sorted() -> None:
    records = [record("user=b"), record("x", {"user": "1KB"}), record('{"user":"a"}'), record("user=b")]
    assert values("user", *records) == ["1KB", "a", "b"]
    assert values("user", *records, most=2) == ["1KB", "b"]
    assert values("nosuch", *records) == []
    assert values("app", record("app=x")) == []
    assert values("app_extracted", record("app=x")) == ["x"]


def test_an_interrupt_ends_the_work() -> None:
    pulled = Interrupt()
    pulled.pull()
    with pytest.raises(QueryCancelledError):
        detect_fields([record("a=1")], 10, pulled)
    with pytest.raises(QueryCancelledError):
        field_values([record("a=1")], "a", 10, pulled)


keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
values_of_lines = st.one_of(st.text('xyz é\\"', max_size=4), st.integers(), st.booleans(), st.none())
trees = st.recursive(values_of_lines, lambda inner: st.dictionaries(keys, inner, max_size=4), max_leaves=12)


@given(st.dictionaries(keys, trees, max_size=5))
def test_each_path_leads_to_the_value(tree: dict[str, object]) -> None:
    parsed = record(json.dumps(tree, ensure_ascii=False))
    for found in fields(parsed):
        at: object = tree
        for key in found.json_path:
            at = msgspec.convert(at, dict[str, object])[key]
        assert found.json_path, found.label
        assert values(found.label, parsed) == [at if isinstance(at, str) else json.dumps(at)]
