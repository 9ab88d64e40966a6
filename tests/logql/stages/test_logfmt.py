"""The parser `| logfmt`: pairs, quotes, flags, named keys, and what a broken pair leaves."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.limits import EXTRACTED_LABELS
from logpulse.logql.label_name import label_name
from tests.logql.stages.running import kept, parsed

LOGFMT_ERROR = "LogfmtParserErr"


@pytest.mark.parametrize(
    ("line", "labels"),
    [
        pytest.param('a=1 b=two c="three four" d', {"a": "1", "b": "two", "c": "three four"}, id="pairs"),
        pytest.param("a=1\tb=2\nc=3  d=4\x00e=5", {"a": "1", "b": "2", "c": "3", "d": "4", "e": "5"}, id="blanks"),
        pytest.param('a= b="" c', {}, id="empty values give none"),
        pytest.param("a= a=1 a=2", {"a": "1"}, id="the first value that is not empty wins"),
        pytest.param("a.b=1 a-b=2 ünï=3 9x=4 日本=5", {"a_b": "1", "_n_": "3", "_9x": "4", "__": "5"}, id="names"),
        pytest.param(r'a="x\"y\n\u00e9\/" b="\'"', {"a": 'x"y\né/', "b": "'"}, id="escapes"),
        pytest.param(r'a="\ud800x"', {"a": "\ufffdx"}, id="half a surrogate pair"),
        pytest.param(r"a=\x b=c\ ", {"a": r"\x", "b": "c\\"}, id="no escapes without quotes"),
        pytest.param("a='b c' d=1", {"a": "'b", "d": "1"}, id="other quotes do not quote"),
        pytest.param('a="b"c=1', {"a": "b", "c": "1"}, id="nothing need stand between quotes and key"),
        pytest.param("app=x env=y a=z", {"app_extracted": "x", "env_extracted": "y", "a": "z"}, id="clashes"),
        pytest.param("__error__=mine", {"__error__": "mine"}, id="the name of the error"),
        pytest.param("", {}, id="nothing"),
        pytest.param("  \t", {}, id="blanks alone"),
        pytest.param("\xa0=1 a=2", {"a": "2"}, id="a key that is a blank"),
    ],
)
def test_labels(line: str, labels: dict[str, str]) -> None:
    for stage in ("| logfmt", "| logfmt --strict"):
        ran = kept(stage, line)
        assert (parsed(ran), ran.error, ran.line) == (labels, "", line)


@pytest.mark.parametrize(
    ("line", "before", "all_labels"),
    [
        ('x=1 a="b', {"x": "1"}, {"x": "1"}),
        ("x=1 a=b=c y=2", {"x": "1"}, {"x": "1", "y": "2"}),
        ("x=1 a==b y=2", {"x": "1"}, {"x": "1", "y": "2"}),
        ("x=1 =b y=2", {"x": "1"}, {"x": "1", "y": "2"}),
        ('x=1 "a"=b y=2', {"x": "1"}, {"x": "1", "y": "2"}),
        ('x=1 "a b"=c y=2', {"x": "1"}, {"x": "1", "y": "2"}),
        ('x=1 a"b=c y=2', {"x": "1"}, {"x": "1", "y": "2"}),
        ('x=1 a=b"c y=2', {"x": "1"}, {"x": "1", "y": "2"}),
        ('x=1 a="b"=c y=2', {"x": "1", "a": "b"}, {"x": "1", "a": "b", "y": "2"}),
        (r'x=1 a="\q" y=2', {"x": "1"}, {"x": "1", "y": "2"}),
        ('x=1 a="\\n\x01" y=2', {"x": "1"}, {"x": "1", "y": "2"}),
        ("x=1 a\ufffd=b y=2", {"x": "1"}, {"x": "1", "y": "2"}),
        ('{"x":"1"}', {}, {}),
    ],
)
def test_broken_pairs(line: str, before: dict[str, str], all_labels: dict[str, str]) -> None:
    ran = kept("| logfmt", line)
    assert (parsed(ran), ran.error) == (all_labels, "")
    strict = kept("| logfmt --strict", line)
    assert (parsed(strict), strict.error) == (before, LOGFMT_ERROR)
    assert strict.error_details


def test_keep_empty() -> None:
    assert parsed(kept("| logfmt --keep-empty", 'a= b="" c d=1 a=2')) == {"a": "", "b": "", "c": "", "d": "1"}
    assert parsed(kept("| logfmt --keep-empty", "x =y z")) == {"x": "", "z": ""}


@pytest.mark.parametrize(
    ("stage", "labels"),
    [
        ("logfmt a", {"a": "1"}),
        ('logfmt x="a", y="b"', {"x": "1", "y": "two"}),
        ("logfmt nosuch, c", {"nosuch": "", "c": ""}),
        ("logfmt --keep-empty nosuch", {"nosuch": ""}),
        ("logfmt app", {"app_extracted": "in"}),
        ('logfmt env="a"', {"env_extracted": "1"}),
        ('logfmt env="nosuch"', {}),
        ('logfmt b="a"', {"b": "two"}),
        ('logfmt x="d_e"', {"x": "3"}),
        ('logfmt x="a", y="a"', {"x": "1", "y": "1"}),
    ],
)
def test_named_keys(stage: str, labels: dict[str, str]) -> None:
    assert parsed(kept(f"| {stage}", "a=1 b=two c= app=in d.e=3")) == labels


def test_named_keys_of_broken_lines() -> None:
    ran = kept("| logfmt --strict a, b", 'a=1 "x b=2')
    assert (parsed(ran), ran.error) == ({"a": "1", "b": ""}, LOGFMT_ERROR)
    assert parsed(kept("| logfmt a, b", 'a=1 "x b=2')) == {"a": "1", "b": "2"}
    assert parsed(kept("| logfmt a", "")) == {"a": ""}
    assert parsed(kept("| logfmt a", "a=1 a=2")) == {"a": "2"}


@pytest.mark.parametrize(
    ("wanted", "labels", "error"),
    [
        ({"a"}, {"a": "1"}, ""),
        ({"a", "b"}, {"a": "1"}, LOGFMT_ERROR),
        ({"a", "env"}, {"a": "1"}, LOGFMT_ERROR),
        ({"app_extracted"}, {"app_extracted": "in"}, ""),
        (set(), {}, ""),
    ],
)
def test_wanted(wanted: set[str], labels: dict[str, str], error: str) -> None:
    ran = kept("| logfmt --strict", 'a=1 app=in c=2 "x b=3', wanted=frozenset(wanted))
    assert (parsed(ran), ran.error) == (labels, error)


def test_the_number_of_labels_is_bounded() -> None:
    ran = kept("| logfmt", " ".join(f"k{number}=1" for number in range(EXTRACTED_LABELS + 1)))
    assert (len(parsed(ran)), ran.error) == (EXTRACTED_LABELS, "LabelLimitErr")


# -- laws -------------------------------------------------------------------------------------------------------------

keys = st.from_regex(r"[a-zé.][a-z0-9._/-]{0,4}", fullmatch=True)
texts = st.text(max_size=6)


@given(st.dictionaries(keys, texts, max_size=5))
def test_what_is_written_is_read(pairs: dict[str, str]) -> None:
    line = " ".join(f"{key}={json.dumps(value)}" for key, value in pairs.items())
    expected: dict[str, str] = {}
    for key, value in pairs.items():
        if value:
            expected.setdefault(label_name(key), value)
    assert parsed(kept("| logfmt --strict", line, other="x")) == expected


def scanned(line: str) -> list[tuple[str, str] | None]:
    """Read pairs character by character, as Loki's decoder does; None stands where one is broken."""
    found: list[tuple[str, str] | None] = []
    position = 0

    def to(stops: str, start: int) -> int:
        while start < len(line) and line[start] > " " and line[start] not in stops:
            start += 1
        return start

    while True:
        while position < len(line) and line[position] <= " ":
            position += 1
        if position == len(line):
            return found
        end = to('="', position)
        key, position = line[position:end], end
        character = line[end : end + 1]
        if character == '"' or (character == "=" and not key):
            found.append(None)
            position = to("", end)
        elif character != "=":
            found.append((key, ""))
        elif line[end + 1 : end + 2] == '"':
            end += 2
            while end < len(line) and line[end] != '"':
                end += 2 if line[end] == "\\" else 1
            if end >= len(line):
                found.append(None)
                return found
            found.append(unquoted(key, line[position + 2 : end]))
            position = end + 1
        else:
            end = to('="', position + 1)
            broken = line[end : end + 1] in ("=", '"') and end < len(line)
            found.append(None if broken else (key, line[position + 1 : end]))
            position = to("", end) if broken else end


def unquoted(key: str, text: str) -> tuple[str, str] | None:
    """Give a pair whose value stood in quotes; None if an escape is malformed."""
    if "\\" not in text:
        return key, text
    try:
        return key, json.loads(f'"{text}"')
    except ValueError:
        return None


broken_lines = st.lists(
    st.sampled_from(["a", "b", "é", "=", '"', " ", "\t", "\\n", '\\"', "\\x", "1", "a=1 ", 'b="x y" ', "\xa0"]),
    max_size=14,
).map("".join)


@given(broken_lines)
def test_pairs_are_those_of_a_scan_by_characters(line: str) -> None:
    pairs = scanned(line)
    expected: dict[str, str] = {}
    for pair in pairs:
        if pair is not None and label_name(pair[0]):
            expected.setdefault(label_name(pair[0]), pair[1])
    ran = kept("| logfmt --keep-empty", line, other="x")
    assert (parsed(ran), ran.error) == (expected, "")
    strict = kept("| logfmt --strict --keep-empty", line, other="x")
    assert bool(strict.error) == (None in pairs)


@given(broken_lines, st.frozensets(st.sampled_from(["a", "b", "_", "app"]), min_size=1))
def test_what_is_wanted_is_as_if_all_were_extracted(line: str, wanted: frozenset[str]) -> None:
    everything, some = kept("| logfmt --strict", line), kept("| logfmt --strict", line, wanted=wanted)
    assert parsed(some) == {name: value for name, value in parsed(everything).items() if name in wanted}
    assert not some.error or everything.error
