"""Nothing from a log reaches a terminal as a command."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logpulse.client.escape import escape, escape_block, escape_json

ANY_TEXT = st.text(alphabet=st.characters(), max_size=60)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, Köln, 東京, 🎉", "plain text, Köln, 東京, 🎉"),
        ("tab\tstays", "tab\tstays"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("8-bit \x9b31m", r"8-bit \x9b31m"),
        ("a\nb\r\nc", r"a\nb\r\nc"),
        ("nul \x00 del \x7f", r"nul \x00 del \x7f"),
        ("user \u202egnp.exe", r"user \u202egnp.exe"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("joined \u0645\u06cc\u200c\u062e 👩\u200d💻", "joined \u0645\u06cc\u200c\u062e 👩\u200d💻"),
        (r"C:\new \x1b", r"C:\new \x1b"),
        ("lone \ud800", r"lone \ud800"),
        ("", ""),
    ],
)
def test_escape(text: str, shown: str) -> None:
    assert escape(text) == shown


@settings(deadline=None)
@given(ANY_TEXT)
def test_escaped_text_holds_nothing_a_terminal_obeys(text: str) -> None:
    shown = escape(text)
    assert all(character == "\t" or unicodedata.category(character) not in ("Cc", "Cs") for character in shown)
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")
    assert escape(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("one line", "one line"),
        ("first\n\tat second", "first\n> \tat second"),
        ("first\r\nsecond\r\n", "first\n> second"),
        ("first\n\nthird\n\n\n", "first\n> \n> third"),
        ("\x1b[2J\n\x1b[2J", "\\x1b[2J\n> \\x1b[2J"),
        ("progress 1%\rprogress 2%", r"progress 1%\rprogress 2%"),
    ],
)
def test_escape_block(text: str, shown: str) -> None:
    assert escape_block(text, "> ") == shown


@settings(deadline=None)
@given(ANY_TEXT)
def test_no_line_of_a_block_looks_like_an_entry(text: str) -> None:
    assert all(line.startswith("> ") for line in escape_block(text, "> ").split("\n")[1:])


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_escaped_json_means_the_same(text: str) -> None:
    document = json.dumps({text: text}, ensure_ascii=False)
    shown = escape_json(document)
    assert json.loads(shown) == {text: text}
    assert not any(unicodedata.category(character) == "Cc" for character in shown)
