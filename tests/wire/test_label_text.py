"""Label texts: what senders write is read, everything else refused."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.errors import BodyFormatError
from logpulse.wire.label_text import read_label_text

from ..strategies import label_maps


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("{}", {}),
        ("{ }", {}),
        ('{app="x"}', {"app": "x"}),
        ('{app="x",}', {"app": "x"}),
        (' {app="x", env="p"} ', {"app": "x", "env": "p"}),
        ('{level="info",run="x",zone="Zürich-東京"}', {"level": "info", "run": "x", "zone": "Zürich-東京"}),
        ('{\n a = "1" ,\t_b2="2" , }', {"a": "1", "_b2": "2"}),
        (r'{a="q\"b\\s\n\t\x41\u00e9\U0001f600\101"}', {"a": 'q"b\\s\n\tAé😀A'}),
        (r'{a="\xc3\xa9"}', {"a": "é"}),
        (r'{a="\xff"}', {"a": "\N{REPLACEMENT CHARACTER}"}),
        ('{a="}", b="{,="}', {"a": "}", "b": "{,="}),
        ('{a=""}', {"a": ""}),
    ],
)
def test_what_is_read(text: str, pairs: dict[str, str]) -> None:
    assert read_label_text(text) == pairs


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "they stand in braces"),
        ("{", "they stand in braces"),
        ("}", "they stand in braces"),
        ('a="b"', "they stand in braces"),
        ('{a="b"} x', "they stand in braces"),
        ("{,}", "at character 2"),
        ('{,a="b"}', "at character 2"),
        ('{a="b",,}', "at character 8"),
        ('{a="b" c="d"}', "at character 8"),
        ("{a=b}", "at character 2"),
        ("{a='b'}", "at character 2"),
        ("{a=`b`}", "at character 2"),
        ('{a="b}', "at character 2"),
        ('{a="b\\"}', "at character 2"),
        ('{a!="b"}', "at character 2"),
        ('{a=~"b"}', "at character 2"),
        ('{"a"="b"}', "at character 2"),
        ('{1a="b"}', "at character 2"),
        ('{a.b="c"}', "at character 2"),
        ('{größe="x"}', "at character 2"),
        ('{a="new\nline"}', "at character 2"),
        (r'{a="\q"}', r"the value of a: `\\q` is not an escape"),
        (r'{a="\'"}', "is not an escape"),
        (r'{a="\ud800"}', "names no character"),
        (r'{a="C:\temp\x"}', "is not an escape"),
        ('{a="1",a="1"}', "has duplicate label name: 'a'"),
    ],
)
def test_what_is_refused(text: str, reason: str) -> None:
    with pytest.raises(BodyFormatError, match=reason):
        read_label_text(text)


@given(label_maps, st.sampled_from([",", ", ", " ,\n"]), st.sampled_from(["", ",", " , "]))
def test_what_was_written_comes_back(labels: dict[str, str], comma: str, last: str) -> None:
    text = "{" + comma.join(f"{name}={_quoted(value)}" for name, value in labels.items()) + last + "}"
    assert read_label_text(text) == labels


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\x7f")


@given(st.text('{}a="\\,x \n', max_size=30))
def test_nothing_else_is_raised(text: str) -> None:
    with suppress(BodyFormatError):
        assert all(name.isidentifier() for name in read_label_text(text))
