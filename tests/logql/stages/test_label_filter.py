"""Label filters: how values are compared, and what becomes of missing and malformed ones."""

from __future__ import annotations

import pytest

from tests.logql.stages.running import kept, run

FILTER_ERROR = "LabelFilterErr"
LINE = 'dur=1m30s size="1.5KB" num=2.50 src=10.0.0.7 six=2001:db8::7 empty= word=two lines="a\\nb" nan=NaN'


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ('word="two"', True), ('word="t"', False), ('word!="two"', False), ('word=~"t.*"', True),
        ('word=~"w"', False), ('word!~"w"', True), ('lines=~"a.b"', True),
        ('nosuch=""', True), ('nosuch!=""', False), ('nosuch=~".*"', True), ('nosuch!="x"', True),
        ('app="shop"', True), ('num="2.5"', False),
        ("num=2.5", True), ("num==2.5", True), ("num!=2.5", False), ("num>2", True), ("num>=2.5", True),
        ("num<2.5", False), ("num<=2.5", True), ("num>-1", True), ("nan>0", False), ("nan!=0", True),
        ("dur=90s", True), ("dur>1m", True), ("dur<1h", True), ("dur!=90s", False), ("dur>=1m30s", True),
        ("dur<=1d", True),
        ("size=1500B", True), ("size>1KB", True), ("size<1KiB", False), ("size!=1.5KB", False), ("size<=2MB", True),
        ('src=ip("10.0.0.0/8")', True), ('src!=ip("10.0.0.0/8")', False), ('src=ip("10.0.0.8-10.0.0.9")', False),
        ('six=ip("2001:db8::/32")', True), ('src=ip("2001:db8::/32")', False), ('word!=ip("10.0.0.1")', True),
        *((f"nosuch{symbol}{value}", False) for symbol in ("=", "!=", ">") for value in ("1", "1s", "1KB")),
        ('nosuch=ip("10.0.0.1")', False), ('nosuch!=ip("10.0.0.1")', False),
        ('word="two" and num>3', False), ('word="two", num>2', True), ('word="two" num>2', True),
        ('word="x" or num>2', True), ('word="x" or num>3', False),
        ('word="two" or word="x" and num>3', True), ('(word="two" or word="x") and num>3', False),
    ],
)  # fmt: skip
def test_conditions(condition: str, holds: bool) -> None:
    ran = run(f"| logfmt | {condition}", LINE)
    assert (ran is not None) is holds
    assert ran is None or ran.error == ""


@pytest.mark.parametrize("condition", ["word>1", "word!=1", "dur>1", "num>1s", "word<1KB", "num!=1s", "lines=1KB"])
def test_a_value_that_cannot_be_converted_keeps_the_entry(condition: str) -> None:
    ran = kept(f"| logfmt | {condition}", LINE)
    assert (ran.error, ran.labels["word"]) == (FILTER_ERROR, "two")
    assert ran.error_details


def test_an_empty_value_is_no_number() -> None:
    assert kept("| logfmt --keep-empty | empty>1", LINE).error == FILTER_ERROR


def test_the_error_is_compared_under_its_name() -> None:
    assert run('| json | __error__=""', "text") is None
    assert kept('| json | __error__="JSONParserErr"', "text").error
    assert kept('| json | __error__=~"JSON.*" | __error__!="x"', "text").error
    assert run('| json | __error_details__!=""', "text") is None, "only the error itself can be compared"
    # What a line calls so is another label.
    assert kept('| json | __error__=""', '{"__error__":"mine"}').labels["__error__"] == "mine"
    assert run('| json | __error__="mine"', '{"__error__":"mine"}') is None


def test_an_entry_with_an_error_is_compared_like_others() -> None:
    assert run("| json | status>400", "text") is None
    assert run("| json | a>1", '{"a":1,"b":}') is None
    assert kept("| json | a=1", '{"a":1,"b":}').error == "JSONParserErr"
    assert kept("| logfmt | word>1 | num>2", LINE).error == FILTER_ERROR
    assert run("| logfmt | word>1 | num>3", LINE) is None


def test_which_conditions_are_tried() -> None:
    assert kept("| logfmt | num>2 or word>1", LINE).error == "", "none behind one that holds"
    assert kept('| logfmt | (num>3 and word>1) or app="shop"', LINE).error == FILTER_ERROR, "all that `and` joins"


@pytest.mark.parametrize("size", ["1KB", "1KiB", "1049B"])
def test_byte_sizes_of_queries_have_two_or_three_digits(size: str) -> None:
    assert run(f"| logfmt | s={size}", 's="1000B"') is not None
