"""What the operands of filters and parsers mean: addresses, JSON paths, patterns, named groups, byte sizes."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.logql.capture_pattern import Capture, Literal, parse_filter_pattern, parse_parser_pattern
from logpulse.logql.ip_range import parse_ip_range
from logpulse.logql.json_path import parse_json_path
from logpulse.logql.lexical import (
    format_query_bytes,
    format_query_duration,
    format_range,
    parse_query_bytes,
    parse_query_duration,
    parse_range,
    quote,
    unquote,
)
from logpulse.logql.validation import read_capture_names

from .strategies import byte_sizes, durations, ranges


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("10.0.0.7", ["10.0.0.7"], ["10.0.0.6", "10.0.0.8", "::a00:7"]),
        ("10.0.0.1-10.0.0.9", ["10.0.0.1", "10.0.0.9"], ["10.0.0.0", "10.0.0.10"]),
        ("192.168.4.5/16", ["192.168.0.0", "192.168.255.255"], ["192.167.255.255", "192.169.0.0"]),
        ("0.0.0.0/0", ["0.0.0.0", "255.255.255.255"], ["::1"]),
        ("2001:db8::/32", ["2001:db8::", "2001:db8:ffff::1"], ["2001:db9::"]),
        ("::1-::ff", ["::1", "::ff"], ["::", "::100", "0.0.0.1"]),
    ],
)
def test_address_ranges(text: str, inside: list[str], outside: list[str]) -> None:
    addresses = parse_ip_range(text)
    assert all(ip_address(address) in addresses for address in inside)
    assert not any(ip_address(address) in addresses for address in outside)


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("a", ("a",)),
        ("user.name", ("user", "name")),
        ("with-dash.b_2", ("with-dash", "b_2")),
        ('a["b c"]["d\\"é\\u00e9"].e', ("a", "b c", 'd"éé', "e")),
        ("list[0][12].x", ("list", 0, 12, "x")),
        ("[3]", (3,)),
        ("ünï", ("ünï",)),
    ],
)
def test_json_paths(path: str, steps: tuple[str | int, ...]) -> None:
    assert parse_json_path(path) == steps


def test_patterns() -> None:
    assert parse_parser_pattern("<<pri>><_> a<b-c> <msg>") == (
        Literal("<"),
        Capture("pri"),
        Literal(">"),
        Capture(""),
        Literal(" a<b-c> "),
        Capture("msg"),
    )
    assert parse_filter_pattern("<_>x") == (Capture(""), Literal("x"))
    assert parse_filter_pattern("") == ()


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("(?P<a>x)(?<b>y)(z)", ("a", "b")),
        (r"\(?P<no>(?P<a>x)", ("a",)),
        (r"[(?P<no>](?P<a>x)", ("a",)),
        (r"[]\](?P<no>](?P<a>x)", ("a",)),
        (r"[^][:alpha:](?P<no>](?P<a>x)", ("a",)),
        (r"\Q(?P<no>\E(?P<a>x)", ("a",)),
        (r"(?P<a>x)\Q(?P<no>", ("a",)),
        ("(?i)((?P<a>(?P<b>x)))", ("a", "b")),
    ],
)
def test_named_groups(pattern: str, names: tuple[str, ...]) -> None:
    assert read_capture_names(pattern) == names


@given(st.text())
def test_quoted_text_reads_back(text: str) -> None:
    assert unquote(quote(text)) == text
    assert "\n" not in quote(text)


@given(durations)
def test_durations_read_back(nanoseconds: int) -> None:
    assert parse_query_duration(format_query_duration(nanoseconds)) == nanoseconds


@given(ranges)
def test_ranges_read_back(nanoseconds: int) -> None:
    assert parse_range(f"[{format_range(nanoseconds)}]") == nanoseconds


@given(byte_sizes)
def test_byte_sizes_read_back(size: int) -> None:
    assert parse_query_bytes(format_query_bytes(size)) == size
