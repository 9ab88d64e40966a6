"""label_replace: anchoring, Go's references to groups, and what becomes of the labels."""

from __future__ import annotations

import pytest

from logpulse.errors import LimitExceededError
from logpulse.limits import REPLACED_CHARACTERS
from logpulse.logql.ast import LabelReplace, VectorLiteral
from logpulse.query.label_replace import replace_label

from .matrices import matrix, rows_of


def replaced(labels: str, destination: str, replacement: str, source: str, pattern: str) -> str:
    """Give the labels of a series after `label_replace`."""
    node = LabelReplace(VectorLiteral(1), destination, replacement, source, pattern)
    (found,) = rows_of(replace_label(node, matrix({labels: [1]})))
    return found


@pytest.mark.parametrize(
    ("replacement", "pattern", "text"),
    [
        ("$1", "(.*)", "host-7"),
        ("${1}x", "(host).*", "hostx"),
        ("$1x", "(host).*", ""),
        ("$2-$1", "(host)-(.)", "7-host"),
        ("$0!", "host-.", "host-7!"),
        ("$name.${name}", "(?P<name>host).*", "host.host"),
        ("$name", "(?<name>host).*", "host"),
        ("$other", "(?P<name>host).*", ""),
        ("$9$10$99999999999", "(host).*", ""),
        ("$01", "(host).*", ""),
        ("a$$1", "(host).*", "a$1"),
        ("$", ".*", "$"),
        ("$-${}${1${ü ", "(.*)", "$-${}${1${ü "),
        ("<$1>", "host(x)?.*", "<>"),
        ("$größe", "(?P<name>.*)", ""),
    ],
)
def test_references_are_those_of_go(replacement: str, pattern: str, text: str) -> None:
    expected = f"a=host-7,b={text}" if text else "a=host-7"
    assert replaced("a=host-7", "b", replacement, "a", pattern) == expected


@pytest.mark.parametrize(
    ("labels", "arguments", "found"),
    [
        ("a=x", ("a", "y", "a", "x"), "a=y"),
        ("a=x", ("a", "", "a", ".*"), ""),
        ("a=xyz", ("b", "new", "a", "y"), "a=xyz"),
        ("a=x\ny", ("b", "new", "a", "x.y"), "a=x\ny"),
        ("a=x\n", ("b", "new", "a", "x$"), "a=x\n"),
        ("a=x", ("b", "new", "nosuch", ""), "a=x,b=new"),
        ("a=x", ("b", "new", "nosuch", ".+"), "a=x"),
        ("a=x", ("1 b", "new", "a", "x"), "1 b=new,a=x"),
        ("b=x,c=y", ("a", "$1", "c", "(.*)"), "a=y,b=x,c=y"),
    ],
)
def test_labels(labels: str, arguments: tuple[str, str, str, str], found: str) -> None:
    assert replaced(labels, *arguments) == found


def test_a_text_that_doubles_is_bounded() -> None:
    found = matrix({"a=" + 256 * "x": [1]})
    node = LabelReplace(VectorLiteral(1), "a", "$1$1", "a", "(.*)")
    for _ in range(8):
        found = replace_label(node, found)
    assert len(found.labels[0][0][1]) == REPLACED_CHARACTERS
    with pytest.raises(LimitExceededError, match="got 131072"):
        replace_label(node, found)
