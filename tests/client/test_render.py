"""Entries as text, in every format and for every reader."""

from __future__ import annotations

import json
import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logpulse.client.render import (
    Format,
    HarmlessJsonLines,
    JsonLines,
    PipeText,
    RawText,
    Renderer,
    TerminalText,
    renderer_for,
)
from logpulse.client.terminal import COLORS, PLAIN, Surface
from logpulse.errors import InvalidRequestError
from logpulse.units import parse_rfc3339

from .fake_server import BASE, Entry, entry

pytestmark = pytest.mark.usefixtures("berlin")


def raw(*entries: Entry) -> list[msgspec.Raw]:
    return [msgspec.Raw(json.dumps(one, ensure_ascii=False).encode()) for one in entries]


def today() -> float:
    return BASE / 10**9


@pytest.mark.parametrize(
    ("output", "surface", "kind"),
    [
        (Format.TEXT, Surface.PIPE, PipeText),
        (Format.TEXT, Surface.PLAIN_TERMINAL, TerminalText),
        (Format.TEXT, Surface.COLOR_TERMINAL, TerminalText),
        (Format.JSONL, Surface.PIPE, JsonLines),
        (Format.JSONL, Surface.COLOR_TERMINAL, HarmlessJsonLines),
        (Format.RAW, Surface.PIPE, RawText),
        (Format.RAW, Surface.COLOR_TERMINAL, RawText),
    ],
)
def test_each_reader_gets_its_renderer(output: Format, surface: Surface, kind: type[Renderer]) -> None:
    assert type(renderer_for(output, surface)) is kind


def test_pipe_text_is_one_line_an_entry() -> None:
    entries = raw(
        entry(1, BASE, "two\nlines \x1b[31m", service="api", env='p"rod'),
        entry(2, BASE + 500_000_000, "half a second later"),
    )
    assert PipeText().entries(entries).decode() == (
        '2026-01-15T10:30:00.000000000Z {env="p\\"rod", service="api"} two\\nlines \\x1b[31m\n'
        '2026-01-15T10:30:00.500000000Z {service="api"} half a second later\n'
    )


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2**62), st.text()), max_size=20))
def test_pipe_text_sorts_as_text_and_splits_at_line_breaks(rows: list[tuple[int, str]]) -> None:
    entries = raw(*(entry(number, time, text or "x") for number, (time, text) in enumerate(rows)))
    lines = PipeText().entries(entries).decode().split("\n")[:-1]
    assert len(lines) == len(rows)
    times = [line.split(" ")[0] for line in lines]
    assert [parse_rfc3339(time) for time in times] == [time for time, _ in rows]
    assert sorted(times) == sorted(times, key=parse_rfc3339)


def test_json_lines_pass_entries_on_byte_for_byte() -> None:
    text = b'{"id" : "1","timestamp":"x","message":"\\u009b caf\xc3\xa9","new_field":[1.50]}'
    assert JsonLines().entries([msgspec.Raw(text)]) == text + b"\n"


def test_json_laid_out_over_lines_becomes_one() -> None:
    assert JsonLines().entries([msgspec.Raw(b'{\n  "id": "1"\n}')]) == b'{"id":"1"}\n'


def test_json_on_a_terminal_is_harmless_and_means_the_same() -> None:
    document = entry(1, BASE, "\x9b31m \u202e")
    shown = HarmlessJsonLines().entries(raw(document)).decode()
    assert "\x9b" not in shown
    assert "\u202e" not in shown
    assert json.loads(shown) == document


def test_context_is_told_from_matches() -> None:
    context: Entry = entry(1, BASE, "near", level="info") | {"context": True}
    match = entry(2, BASE, "found", level="info")
    pipe = PipeText().entries(raw(context, match)).decode()
    assert pipe == (
        '2026-01-15T10:30:00.000000000Z - {level="info"} near\n2026-01-15T10:30:00.000000000Z {level="info"} found\n'
    )
    terminal = TerminalText(PLAIN, 80, today).entries(raw(context, match)).decode()
    assert terminal == "11:30:00.000 INFO  - near\n11:30:00.000 INFO  found\n"
    coloured = TerminalText(COLORS, 80, today).entries(raw(context)).decode()
    assert coloured.endswith(f" {COLORS.time}- near{COLORS.end}\n")
    assert b'"context": true' in JsonLines().entries(raw(context))


def test_raw_is_the_messages_untouched() -> None:
    assert RawText().entries(raw(entry(1, BASE, "\x1b[31mred\nblue "))) == b"\x1b[31mred\nblue \n"


def test_terminal_text_without_colours() -> None:
    entries = raw(
        entry(1, BASE + 123_456_789, "Connection timeout", service="api", env="prod", host="a b", level="error"),
        entry(2, BASE - 86_400 * 10**9, "Oops\n\tat main\x07\n", service="web", env="prod", level="warn"),
        entry(3, BASE, "no level", service="web", env="prod"),
    )
    assert TerminalText(PLAIN, 80, today).entries(entries).decode() == (
        '11:30:00.123 ERROR host="a b" service=api Connection timeout\n'
        "2026-01-14 11:30:00.000 WARN  service=web Oops\n"
        "             \tat main\\x07\n"
        "11:30:00.000       service=web no level\n"
    )


def test_terminal_text_shows_a_label_once_streams_differ_in_it() -> None:
    renderer = TerminalText(PLAIN, 80, today)
    one, other = raw(entry(1, BASE, "x", service="api", env="prod"), entry(2, BASE, "y", service="web", env="prod"))
    assert [renderer.entries([each]).decode() for each in (one, other, one)] == [
        "11:30:00.000       x\n",
        "11:30:00.000       service=web y\n",
        "11:30:00.000       service=api x\n",
    ]


@pytest.mark.parametrize(
    ("level", "begin", "name"),
    [
        ("critical", "\x1b[1;31m", "CRIT "),
        ("error", "\x1b[31m", "ERROR"),
        ("warning", "\x1b[33m", "WARN "),
        ("info", "\x1b[32m", "INFO "),
        ("debug", "\x1b[34m", "DEBUG"),
    ],
)
def test_levels_have_their_colours(level: str, begin: str, name: str) -> None:
    line = TerminalText(COLORS, 80, today).entries(raw(entry(1, BASE, "x", level=level))).decode()
    assert line == f"\x1b[2m11:30:00.000\x1b[0m {begin}{name}\x1b[0m x\n"


def test_no_field_of_an_entry_can_bring_a_colour_of_its_own() -> None:
    evil = "\x1b[31m\x9b"
    document = entry(1, BASE, evil, service=evil, level=evil) | {"labels": {evil: evil, "level": evil}}
    other = entry(2, BASE, "x")
    line = TerminalText(COLORS, 80, today).entries(raw(other, document)).decode()
    assert set(re.findall(r"\x1b\[[0-9;]*m", line)) <= {COLORS.time, COLORS.label, COLORS.end}
    assert "\x9b" not in line
    assert "\x1b" not in TerminalText(PLAIN, 80, today).entries(raw(other, document)).decode()
    assert "\x1b" not in PipeText().entries(raw(document)).decode()


def series() -> list[msgspec.Raw]:
    points = [["2026-01-15T10:30:00Z", 12.5], ["2026-01-15T10:31:00Z", "NaN"]]
    return [msgspec.Raw(json.dumps({"labels": {"service": "api"}, "points": points}).encode())]


@pytest.mark.parametrize(
    ("renderer", "shown"),
    [
        (
            PipeText(),
            '2026-01-15T10:30:00.000000000Z\t{service="api"}\t12.5\n'
            '2026-01-15T10:31:00.000000000Z\t{service="api"}\tNaN\n',
        ),
        (RawText(), "12.5\nNaN\n"),
        (
            JsonLines(),
            '{"labels":{"service": "api"},"time":"2026-01-15T10:30:00Z","value":12.5}\n'
            '{"labels":{"service": "api"},"time":"2026-01-15T10:31:00Z","value":"NaN"}\n',
        ),
    ],
)
def test_series(renderer: Renderer, shown: str) -> None:
    assert renderer.series(series()).decode() == shown


def test_series_on_a_terminal_are_a_chart_and_a_table() -> None:
    lines = TerminalText(PLAIN, 60).series(series()).decode().splitlines()
    assert lines[0] == "15┤"
    assert lines[-1] == '●  {service="api"}   NaN  12.5  12.5  12.5'


def test_no_series_is_nothing() -> None:
    assert TerminalText(COLORS, 80).series([]) == PipeText().series([]) == b""


def test_no_label_of_a_series_can_bring_a_colour_of_its_own() -> None:
    evil = {"labels": {"a": "\x1b[31m\x9b[2J", "\x1b]0;x\x07": "y"}, "points": [["2026-01-15T10:30:00Z", "\x1b[2J"]]}
    for points in ([["2026-01-15T10:30:00Z", 1]], [["2026-01-15T10:30:00Z", 1], ["2026-01-15T10:30:01Z", 2]]):
        document = msgspec.Raw(json.dumps(evil | {"points": points}).encode())
        shown = TerminalText(COLORS, 80).series([document]).decode()
        assert set(re.findall(r"\x1b.", shown)) <= {"\x1b["}
        assert "\x1b[2J" not in shown
        assert not set("\x9b\x07") & set(shown)
        assert not set("\x9b\x07") & set(HarmlessJsonLines().series([document]).decode())
    unreadable = [msgspec.Raw(json.dumps(evil).encode())]
    assert "\x1b" not in PipeText().series(unreadable).decode()
    with pytest.raises(InvalidRequestError, match="must be a number"):
        TerminalText(COLORS, 80).series(unreadable)


def test_an_entry_without_its_fields_is_an_error() -> None:
    with pytest.raises(msgspec.DecodeError):
        PipeText().entries([msgspec.Raw(b'{"id":"1"}')])
