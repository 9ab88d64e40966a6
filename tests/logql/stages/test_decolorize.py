"""The stage `| decolorize`: sequences of a terminal go, all else stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.logql.stages.running import kept


@pytest.mark.parametrize(
    ("line", "plain"),
    [
        ("\x1b[31mred\x1b[0m é", "red é"),
        ("é\x1b[1;32mbold\x1b[m", "ébold"),
        ("\x1b[38;5;208m\x1b[38;2;10;20;30mx\x1b[39m", "x"),
        ("\x1b[2K\x1b[1Gx", "x"),
        ("\x1b]0;title\x07x", "x"),
        ("\x9b31mx", "x"),
        ("x\x1b[", "x\x1b["),
        ("no colour [31m", "no colour [31m"),
        ("", ""),
    ],
)
def test_lines(line: str, plain: str) -> None:
    ran = kept("| decolorize", line)
    assert (ran.line, ran.error) == (plain, "")


@given(st.text(st.characters(exclude_characters="\x1b\x9b\x07", exclude_categories=["Cs"])))
def test_other_text_stays(line: str) -> None:
    assert kept("| decolorize", line).line == line
    assert kept("| decolorize", f"\x1b[31m{line}\x1b[0m").line == line


def test_a_hostile_line() -> None:
    line = "\x1b[" + ";" * 250_000
    assert kept("| decolorize", line).line == line
