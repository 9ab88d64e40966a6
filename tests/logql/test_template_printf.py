"""`printf`: directives, flags, operands out of order, and the mistakes that Go writes into the text."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.logql.template_failure import CallError
from logpulse.logql.template_printf import sprintf
from logpulse.logql.template_time import Duration, GoTime, Month
from logpulse.logql.template_types import NO_VALUE, Int64, LabelMap, Uint8

MIXED: list[object] = [1, "a", None, {"b": 1.5}]


@pytest.mark.parametrize(
    ("pattern", "operands", "text"),
    [
        ("plain", [], "plain"),
        ("100%%", [], "100%"),
        ("%s|%v|%d|%t", ["x", "y", 3, True], "x|y|3|true"),
        ("%[2]d %[1]d", [1, 2], "2 1"),
        ("%[2]*[1]d|", [12, 5], "   12|"),
        ("%[1]d %d %[1]d", [1, 2], "1 2 1"),
        ("%*d|%-*d|%*d|", [4, 1, 4, 2, -4, 3], "   1|2   |3   |"),
        ("%.*f", [2, 1.5], "1.50"),
        # mistakes
        ("%d", ["x"], "%!d(string=x)"),
        ("%d", [True], "%!d(bool=true)"),
        ("%d", [1.5], "%!d(float64=1.5)"),
        ("%s", [12], "%!s(int=12)"),
        ("%s", [Int64(12)], "%!s(int64=12)"),
        ("%t", ["x"], "%!t(string=x)"),
        ("%z", [3], "%!z(int=3)"),
        ("%5d", ["x"], "%!d(string=    x)"),
        ("%d %d", [1], "1 %!d(MISSING)"),
        ("%d", [1, "a", None], "1%!(EXTRA string=a, <nil>)"),
        ("x", [1], "x%!(EXTRA int=1)"),
        ("%", [], "%!(NOVERB)"),
        ("%-5", [1], "%!(NOVERB)%!(EXTRA int=1)"),
        ("%[3]d", [1], "%!d(BADINDEX)"),
        ("%[0]d", [1], "%!d(BADINDEX)"),
        ("%[x]d", [1], "%!d(BADINDEX)"),
        ("%[1]2d", [1], "%!d(BADINDEX)"),
        ("%[]d", [1], "%!d(BADINDEX)"),
        ("%*d", ["x", 1], "%!(BADWIDTH)1"),
        ("%.*d", [-1, 1], "%!(BADPREC)1"),
        ("%*d", [10_000_000, 1], "%!(BADWIDTH)1"),
        ("%10000000d|", [1], "%!(NOVERB)%!(EXTRA int=1)"),
        # nil
        ("%v %s %d %T", [None, None, NO_VALUE, None], "<nil> %!s(<nil>) %!d(<nil>) <nil>"),
        # types
        (
            "%T %T %T %T %T %T %T %T",
            ["", 1, Int64(1), 1.0, True, MIXED, {}, LabelMap()],
            "string int int64 float64 bool []interface {} map[string]interface {} map[string]string",
        ),
        ("%T %T %T", [GoTime(0), Duration(1), Uint8(1)], "time.Time time.Duration uint8"),
    ],
)
def test_directives(pattern: str, operands: list[object], text: str) -> None:
    assert sprintf(pattern, operands) == text


@pytest.mark.parametrize(
    ("pattern", "operand", "text"),
    [
        # integers
        ("%5d|", 42, "   42|"),
        ("%-5d|", 42, "42   |"),
        ("%05d|", -42, "-0042|"),
        ("%-05d|", 42, "42   |"),
        ("%+d", 42, "+42"),
        ("% d", 42, " 42"),
        ("%.5d", 42, "00042"),
        ("%8.5d|", 42, "   00042|"),
        ("%.0d|", 0, "|"),
        ("%b %[1]o %[1]x %[1]X %[1]O", 255, "11111111 377 ff FF 0o377"),
        ("%#b %#[1]o %#[1]x %#[1]X", 255, "0b11111111 0377 0xff 0XFF"),
        ("%x", -255, "-ff"),
        ("%c|%3[1]c|%-3[1]c|", 0x65E5, "日|  日|日  |"),
        ("%c", -1, "\ufffd"),
        ("%c", 0xD800, "\ufffd"),
        ("%q %+[1]q", 0x65E5, "'日' '\\u65e5'"),
        ("%q", 39, "'\\''"),
        ("%q", 34, "'\"'"),
        ("%q", 10, "'\\n'"),
        ("%U %#[1]U", 0x20AC, "U+20AC U+20AC '€'"),
        ("%v", Uint8(65), "65"),
        ("%v %[1]d %[1]s", Month(3), "March 3 March"),
        ("%v %[1]d %[1]s", Duration(1_500_000_000), "1.5s 1500000000 1.5s"),
        # floats
        ("%f %[1]e %[1]g %[1]v", 12345.678, "12345.678000 1.234568e+04 12345.678 12345.678"),
        ("%5.2f|%-7.2f|", 3.14159, " 3.14|%!f(MISSING)|"),
        ("%7.2f|", -3.14159, "  -3.14|"),
        ("%-7.2f|", 3.14159, "3.14   |"),
        ("%07.2f|", -3.14159, "-003.14|"),
        ("%+.1f", 2.25, "+2.2"),
        ("% .1f", 2.25, " 2.2"),
        ("%.0f", 2.5, "2"),
        ("%E %[1]G", 1e-10, "1.000000E-10 1E-10"),
        ("%g", 100000.0, "100000"),
        ("%g", 1e6, "1e+06"),
        ("%g", 1e21, "1e+21"),
        ("%g", 0.0001, "0.0001"),
        ("%g", 0.00001, "1e-05"),
        ("%.3g", 1234.5678, "1.23e+03"),
        ("%.10g", 1234.5678, "1234.5678"),
        ("%#g", 1.5, "1.50000"),
        ("%#.3g", 1.0, "1.00"),
        ("%#v", 1.5, "1.5"),
        ("%x", 1.0, "0x1p+00"),
        ("%x", -0.1, "-0x1.999999999999ap-04"),
        ("%.1x", 1.97, "0x1.0p+01"),
        ("%b", 1.0, "4503599627370496p-52"),
        ("%v", float("inf"), "+Inf"),
        ("%06.1f|", float("-inf"), "  -Inf|"),
        ("%+v", float("nan"), "+NaN"),
        ("%f", float("nan"), "NaN"),
        ("%v", -0.0, "-0"),
        # strings
        ("%5s|", "é", "    é|"),
        ("%-5s|", "é", "é    |"),
        ("%05s", "ab", "000ab"),
        ("%.2s", "日本語", "日本"),
        ("%q", 'a"\\\n\t\x00\x7f日\u200b', '"a\\"\\\\\\n\\t\\x00\\x7f日\\u200b"'),
        ("%q", "\udcff", '"\\xff"'),
        ("%+q", "日😀", '"\\u65e5\\U0001f600"'),
        ("%#q", "a\tb", "`a\tb`"),
        ("%#q", "a`b", '"a`b"'),
        ("%.1q", "日本", '"日"'),
        ("%x %X", "hé", "68c3a9 %!X(MISSING)"),
        ("% x", "hi!", "68 69 21"),
        ("%#x", "hi", "0x6869"),
        ("% #x", "hi", "0x68 0x69"),
        ("%6.1x|", "hi", "    68|"),
        ("%#v", 'a"b', '"a\\"b"'),
        # booleans, lists, maps, times
        ("%6t|%-6[1]v|", True, "  true|true  |"),
        ("%v", MIXED, "[1 a <nil> map[b:1.5]]"),
        ("%d", MIXED, "[1 %!d(string=a) <nil> map[%!d(string=b):%!d(float64=1.5)]]"),
        ("%3v", [1, 2], "[  1   2]"),
        ("%#v", MIXED, '[]interface {}{1, "a", interface {}(nil), map[string]interface {}{"b":1.5}}'),
        ("%s", {"b": "2", "a": "1"}, "map[a:1 b:2]"),
        ("%#v", LabelMap(a="b"), 'map[string]string{"a":"b"}'),
        ("%s", GoTime(0), "1970-01-01 00:00:00 +0000 UTC"),
        ("%#v", GoTime(0), "time.Date(1970, time.January, 1, 0, 0, 0, 0, time.UTC)"),
    ],
)
def test_verbs(pattern: str, operand: object, text: str) -> None:
    assert sprintf(pattern, [operand]) == text


def test_text_is_bounded() -> None:
    for pattern in ("%1000000d%1000000d", "%1000000v"):
        with pytest.raises(CallError, match="is limited to"):
            sprintf(pattern, [[1, 2], 3])


@given(st.text(max_size=30), st.lists(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)))
def test_nothing_is_refused(pattern: str, operands: list[object]) -> None:
    with suppress(CallError):  # what is too large
        assert isinstance(sprintf(f"%{pattern}", operands), str)


@given(st.floats(allow_nan=False))
def test_floats_read_back(number: float) -> None:
    for pattern in ("%v", "%g", "%.17g", "%.16e"):
        assert float(sprintf(pattern, [number])) == number
    assert float.fromhex(sprintf("%x", [number]).replace("Inf", "inf")) == number
