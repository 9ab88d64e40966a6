"""Invented logs that look like real ones."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from logpulse.client.generate import DEFAULT_SERVICES, GeneratedEntry, LogGenerator
from logpulse.model.labels import Labels

from .fake_server import BASE

MOMENT = BASE + 123_456_789


def entries(count: int, services: tuple[str, ...] = DEFAULT_SERVICES, seed: int = 1) -> list[GeneratedEntry]:
    generator = LogGenerator(services, seed)
    return [generator.entry(MOMENT) for _ in range(count)]


def test_a_seed_makes_the_same_lines_again() -> None:
    assert entries(50) == entries(50)
    assert entries(50) != entries(50, seed=2)


def test_levels_come_in_the_mix_of_a_healthy_system() -> None:
    levels = Counter(one.labels["level"] for one in entries(10_000))
    assert set(levels) == {"debug", "info", "warn", "error"}
    assert 0.78 < levels["info"] / 10_000 < 0.86
    assert 0.02 < levels["error"] / 10_000 < 0.04


def test_there_are_several_streams_and_every_service_is_in_them() -> None:
    streams = {Labels.of(one.labels) for one in entries(5_000)}
    assert {stream.get("service") for stream in streams} == set(DEFAULT_SERVICES)
    assert all(set(stream.as_dict()) == {"service", "env", "host", "level"} for stream in streams)
    assert len(streams) > 50


def test_the_services_named_first_are_the_busiest() -> None:
    counts = Counter(one.labels["service"] for one in entries(3_000, ("first", "second", "third")))
    assert counts["first"] > counts["second"] > counts["third"]


def test_what_the_manual_searches_for_is_there() -> None:
    assert any(one.labels["service"] == "api" and "timeout" in one.line for one in entries(1_000))


ACCESS = re.compile(
    r'203\.0\.113\.\d+ - - \[15/Jan/2026:10:30:00 \+0000\] "(GET|POST) \S+ HTTP/1\.1" (\d{3}) \d+ "-" ".+" rt='
)


@pytest.mark.parametrize("service", ["web", "search"])
def test_access_lines_tell_their_level_by_the_status(service: str) -> None:
    for one in entries(200, (service,)):
        match = ACCESS.match(one.line)
        assert match is not None, one.line
        assert match[2][0] in {"debug": "2", "info": "23", "warn": "4", "error": "5"}[one.labels["level"]]


@pytest.mark.parametrize("service", ["api", "payments"])
def test_json_lines_are_json_of_their_level_and_time(service: str) -> None:
    for one in entries(200, (service,)):
        document = json.loads(one.line)
        assert document["level"] == one.labels["level"]
        assert document["ts"] == "2026-01-15T10:30:00.123Z"
        assert document["trace_id"] == one.metadata["trace_id"]


@pytest.mark.parametrize("service", ["auth", "inventory"])
def test_logfmt_lines_tell_their_level_and_time(service: str) -> None:
    for one in entries(200, (service,)):
        pairs = dict(re.findall(r'(\w+)=("[^"]*"|\S+)', one.line))
        assert pairs["level"] == one.labels["level"]
        assert pairs["ts"] == "2026-01-15T10:30:00.123Z"
        assert pairs["trace_id"] == one.metadata["trace_id"][:16]


@pytest.mark.parametrize("service", ["checkout", "worker"])
def test_java_lines_tell_their_level_and_errors_bring_stack_traces(service: str) -> None:
    lines = [(one, one.line.split("\n")) for one in entries(1_000, (service,))]
    for one, (first, *rest) in lines:
        assert first.startswith(f"2026-01-15 10:30:00,123 {one.labels['level'].upper()} ")
        assert not rest or one.labels["level"] == "error"
        assert all(frame.startswith("\tat shop.") for frame in rest[1:])
    assert any(rest for _, (_, *rest) in lines)


def test_a_service_nobody_foresaw_keeps_its_format() -> None:
    assert len({type(_parsed(one.line)) for one in entries(100, ("mailer",))}) == 1


def _parsed(line: str) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return line
