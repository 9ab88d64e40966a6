"""The recorded answers of Loki to templates: every line, every label and the text of every failure.

The labels that an answer shows are those the last stage has seen, so that no other stage is needed. What a
`label_format` has overwritten is read from the entry that was stored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pytest

from logpulse.logql.ast import LogQuery
from logpulse.logql.ast_stages import LabelFormat, LabelTemplate, LineFormat
from logpulse.logql.parser import parse
from logpulse.logql.record import ERROR, ERROR_DETAILS, Base, Record
from logpulse.logql.template import compile_template
from tests.logql.rendering import outcome

FOLDER = Path(__file__).parent.parent / "conformance"
LOGFMT = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')
GROUPS = ("template", "line_format", "label_format")
LATER_STAGES = ("line_format-003", "line_format-006")
"""Cases whose templates did not see the line as stored, or were followed by a stage that adds labels."""


class Stored(NamedTuple):
    """One entry of the data set."""

    labels: dict[str, str]
    metadata: dict[str, str]
    line: str


class Shown(NamedTuple):
    """One entry of an answer."""

    labels: dict[str, str]
    details: str | None
    timestamp: int
    line: str


class Case(NamedTuple):
    """One recorded request whose last stage has templates."""

    id: str
    stage: LineFormat | LabelFormat
    shown: tuple[Shown, ...]


@lru_cache(maxsize=1)
def stored() -> dict[int, list[Stored]]:
    """Read the data set by time."""
    entries: dict[int, list[Stored]] = {}
    for line in (FOLDER / "dataset.jsonl").read_text("utf-8").splitlines():
        stream = json.loads(line)
        for timestamp, text, *metadata in stream["entries"]:
            found = Stored(stream["labels"], metadata[0] if metadata else {}, text)
            entries.setdefault(int(timestamp), []).append(found)
    return entries


def shown(result: list[dict[str, object]]) -> Iterator[Shown]:
    for each in result:
        labels, values = each["stream"], each["values"]
        assert isinstance(labels, dict)
        assert isinstance(values, list)
        details = labels.pop(ERROR_DETAILS, None)
        labels.pop(ERROR, None)
        for timestamp, line in values:
            yield Shown(labels, details, int(timestamp), line)


def recorded() -> Iterator[Case]:
    for line in (FOLDER / "cases.jsonl").read_text("utf-8").splitlines():
        case = json.loads(line)
        if case["group"] not in GROUPS or case["status"] != 200 or case["id"] in LATER_STAGES:
            continue
        query = parse(case["params"]["query"])
        assert isinstance(query, LogQuery)
        stage = query.stages[-1]
        assert isinstance(stage, LineFormat | LabelFormat)
        yield Case(case["id"], stage, tuple(shown(case["body"]["data"]["result"])))


CASES = tuple(recorded())
LINES = [case for case in CASES if isinstance(case.stage, LineFormat)]
LABELS = [case for case in CASES if isinstance(case.stage, LabelFormat)]


def test_there_is_something_to_test() -> None:
    assert len(LINES) > 90
    assert len(LABELS) > 10
    assert all(case.shown for case in CASES)


@pytest.mark.parametrize("case", LINES, ids=[case.id for case in LINES])
def test_lines(case: Case) -> None:
    assert isinstance(case.stage, LineFormat)
    template = compile_template(case.stage.template)
    for answer in case.shown:
        # Entries of one time are told apart by their stream's labels, or by what becomes of their lines.
        results = set()
        for candidate in stored()[answer.timestamp]:
            if answer.labels.items() >= candidate.labels.items():
                record = Record(answer.timestamp, candidate.line, Base(answer.labels))
                results.add(outcome(template, record))
        assert (answer.line, answer.details) in results


@pytest.mark.parametrize("case", LABELS, ids=[case.id for case in LABELS])
def test_labels(case: Case) -> None:
    assert isinstance(case.stage, LabelFormat)
    names = {assignment.name for assignment in case.stage.assignments}
    templates = [each for each in case.stage.assignments if isinstance(each, LabelTemplate)]
    for answer in case.shown:
        (found,) = (each for each in stored()[answer.timestamp] if each.line == answer.line)
        before = {name: text.strip('"') for name, text in LOGFMT.findall(answer.line)}
        before |= found.labels | found.metadata
        seen = {name: value for name, value in answer.labels.items() if name not in names}
        seen |= {name: before[name] for name in names if name in before}
        for assignment in templates:
            template = compile_template(assignment.template, "label")
            text, details = outcome(template, Record(answer.timestamp, answer.line, Base(seen)))
            if details is None:
                assert text == answer.labels[assignment.name]
            else:
                assert (details, assignment.name in answer.labels) == (answer.details, assignment.name in before)
