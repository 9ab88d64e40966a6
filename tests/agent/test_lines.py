from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from agent.pipeline.lines import Cutting, OpenLine, cut_again, cut_lines, cut_rest

LONGEST = 12


def _texts(cutting: Cutting) -> list[tuple[str, str]]:
    return [(line.text, line.part) for line in cutting.lines]


@pytest.mark.parametrize(
    ("data", "lines", "consumed"),
    [
        (b"", [], 0),
        (b"a\n", ["a"], 2),
        (b"a\nb", ["a"], 2),
        (b"\n\n", ["", ""], 2),
        (b"a\r\nb\r\r\nc\rd\n", ["a", "b\r", "c\rd"], 11),
        (b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n", ["a", "\ufeffb"], 10),
        (b"\xef\xbb", [], 0),
        (b"\0\0\0a\n\0\0b\0\n", ["a", "b\0"], 10),
        (b"a\n\0\0\0", ["a"], 5),
        (b"gr\xc3\xbc\xc3\n\xff\n", ["grü�", "�"], 8),
        (b"123456789012\r\nx", ["123456789012"], 14),
    ],
)
def test_lines(data: bytes, lines: list[str], consumed: int) -> None:
    cutting = cut_lines(data, longest=LONGEST, open_parts=0, at_start=True)
    assert [line.text for line in cutting.lines] == lines
    assert all(not line.part for line in cutting.lines)
    assert (cutting.consumed, cutting.open_parts) == (consumed, 0)


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        (b"1234567890123\n", [("123456789012", "1/?"), ("3", "2/2")]),
        (b"x" * 30 + b"\n", [("x" * 12, "1/?"), ("x" * 12, "2/?"), ("x" * 6, "3/3")]),
        # No character is cut in two, and U+FFFD takes three bytes where there was one.
        ("äöüäöüä\n".encode(), [("äöüäöü", "1/?"), ("ä", "2/2")]),
        ("aäöüäöüä\n".encode(), [("aäöüäö", "1/?"), ("üä", "2/2")]),
        (b"\xff" * 6 + b"\n", [("�" * 4, "1/?"), ("�" * 2, "2/2")]),
    ],
)
def test_long_lines_are_split(data: bytes, parts: list[tuple[str, str]]) -> None:
    assert _texts(cut_lines(data, longest=LONGEST, open_parts=0, at_start=True)) == parts


def test_what_has_no_newline_is_a_line_at_the_end() -> None:
    cutting = cut_rest(b"a\nb\r", longest=LONGEST, open_parts=0, at_start=True)
    assert _texts(cutting) == [("a", ""), ("b", "")]
    assert (cutting.consumed, cutting.open_parts) == (4, 1)
    after = cut_lines(b"\nc\n", longest=LONGEST, open_parts=1, at_start=False)
    assert _texts(after) == [("c", "")]
    assert _texts(cut_lines(b"d\n", longest=LONGEST, open_parts=1, at_start=False)) == [("d", "2/2")]


CONTENTS = st.lists(
    st.sampled_from([b"a", b"\n", b"\r", b"\r\n", b"\0", b"\xff", "ü".encode(), "€".encode(), b"0123456789", b"\xc3"]),
    max_size=30,
).map(b"".join)


@given(CONTENTS, st.lists(st.integers(1, 20)))
def test_lines_do_not_depend_on_how_a_file_is_read(data: bytes, sizes: list[int]) -> None:
    """A line, put together from its parts, is the same however many bytes were there at a time; nothing gets lost."""

    def read(visible: list[int]) -> list[str]:
        position, open_parts, lines = 0, 0, list[tuple[str, str]]()
        for end in visible:
            while True:
                cutting = cut_lines(data[position:end], longest=LONGEST, open_parts=open_parts, at_start=position == 0)
                lines += _texts(cutting)
                open_parts = cutting.open_parts
                position += cutting.consumed
                if not cutting.consumed:
                    break
        return [f"{text}|{part}" for text, part in lines]

    ends, end = list[int](), 0
    for size in sizes:
        end += size
        ends.append(min(end, len(data)))
    assert read([*ends, len(data)]) == read([len(data)])
    assert all(len(text.split("|")[0].encode()) <= LONGEST for text in read([len(data)]))


@given(CONTENTS, st.booleans(), st.integers(0, 2))
def test_bytes_that_were_sent_are_cut_again_the_same(data: bytes, to_the_end: bool, open_parts: int) -> None:
    cut = cut_rest if to_the_end else cut_lines
    first = cut(data, longest=LONGEST, open_parts=open_parts, at_start=open_parts == 0)
    end = OpenLine(first.open_parts, "", to_the_end) if first.open_parts else None
    sent = data[: first.consumed]
    again = cut_again(sent, longest=LONGEST, open_parts=open_parts, at_start=open_parts == 0, end=end)
    assert (again.lines, again.consumed) == (first.lines, first.consumed)
