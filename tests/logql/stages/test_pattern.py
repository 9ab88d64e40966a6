"""The parser `| pattern`: captures become labels, up to where the line differs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.logql.stages.running import kept, parsed


@pytest.mark.parametrize(
    ("pattern", "line", "labels"),
    [
        ("<ip> - <user> <_>", "1.2.3.4 - ada x", {"ip": "1.2.3.4", "user": "ada"}),
        ("<all>", "a b", {"all": "a b"}),
        ("<a> <b>", "x y z", {"a": "x", "b": "y z"}),
        ("<a> <b>.", "x y. z", {"a": "x", "b": "y"}),
        ("<_> <b> <_>", "x y z", {"b": "y"}),
        ("x<a>", "xy", {"a": "y"}),
        ("x<a>", "yx1", {}),
        ("x<a>", "", {}),
        ("<a> <b> <c>", " ", {"a": "", "b": ""}),
        ("<a> NOPE <b>", "x y", {"a": "x y"}),
        ("<a> <_>: <b>", "x y", {"a": "x"}),
        ("<<a>>x<b>", "<1>x2", {"a": "1", "b": "2"}),
        ("<app> <x>", "1 2", {"app_extracted": "1", "x": "2"}),
        ("é<a>日", "é1日2", {"a": "1"}),
        ("<a>\n<b>", "1\n2", {"a": "1", "b": "2"}),
    ],
)
def test_labels(pattern: str, line: str, labels: dict[str, str]) -> None:
    ran = kept(f"| pattern `{pattern}`", line)
    assert (parsed(ran), ran.error, ran.line) == (labels, "", line)


@given(st.lists(st.from_regex(r"[a-z]{0,4}", fullmatch=True), min_size=1, max_size=5))
def test_what_is_written_is_read(words: list[str]) -> None:
    pattern = " ".join(f"<w{number}>" for number in range(len(words)))
    line = " ".join(words)
    assert parsed(kept(f"| pattern `x={pattern}`", f"x={line}")) == {f"w{n}": word for n, word in enumerate(words)}
