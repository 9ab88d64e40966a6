"""Functions of templates that write for other languages, regular expressions, and `fromJson`."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote_plus, unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.logql.template_json import from_json
from tests.logql.rendering import reason, render

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ('urlencode "a b&c=d/é~-_.*"', "a+b%26c%3Dd%2F%C3%A9~-_.%2A"),
        ('urldecode "a+b%26c%3dd%2F%C3%A9"', "a b&c=d/é"),
        ('urldecode "%ff"', "\ufffd"),
        ('urldecode "%C3" | print "x"', "x\ufffd"),
        ('b64enc "é!"', "w6kh"),
        ('b64dec "w6kh"', "é!"),
        ('b64dec "aGVsbG8"', "hello"),
        ('b64dec "aGVsbG8="', "hello"),
        ('b64dec "aGVs\\r\\nbG8="', "hello"),
        ('b64dec ""', ""),
        ('b64dec "/w=="', "\ufffd"),
        ('b64dec "!!!"', "illegal base64 data at input byte 0"),
        ('b64dec "aGV!bG8="', "illegal base64 data at input byte 3"),
        ('b64dec "aGVsb"', "illegal base64 data at input byte 4"),
        ("html `<a href=\"x\">'&'\x00`", "&lt;a href=&#34;x&#34;&gt;&#39;&amp;&#39;\ufffd"),
        ("html 1 2 nil", "1 2&lt;no value&gt;"),
        ('js "\'a\'=<b>\\"\\\\&\\n\\u00e9\\u200b"', "\\'a\\'\\u003D\\u003Cb\\u003E\\\"\\\\\\u0026\\u000Aé\\u200B"),
        ('urlquery "a b" 1', "a+b1"),
        ('regexReplaceAll "(\\\\d+)" "a1b22" "<$1>"', "a<1>b<22>"),
        ('regexReplaceAll "(?P<n>\\\\d)(x)?" "1" "${n}$n-$2-$3-$n1-${1}1-$$-$"', "11----11-$-$"),
        ('regexReplaceAll "a" "banana" "${x"', "b${xn${xn${x"),
        ('regexReplaceAll "a*" "baaac" "x"', "xbxcx"),
        ('regexReplaceAll "" "日本" "-"', "-日-本-"),
        ('regexReplaceAll "^" "ab" "-"', "-ab"),
        ('regexReplaceAll "x" "banana" "y"', "banana"),
        ('regexReplaceAll "(?i)A" "banana" ""', "bnn"),
        ('regexReplaceAllLiteral "a" "banana" "$1"', "b$1n$1n$1"),
        ('count "a" "banana"', "3"),
        ('count "a|" "banana"', "4"),
        ('count "" "日本"', "3"),
        ('count "x" ""', "0"),
    ],
)
def test_results(expression: str, text: str) -> None:
    assert render(f"{{{{{expression}}}}}") == text


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ('urldecode "100%"', 'error calling urldecode: invalid URL escape "%"'),
        ('urldecode "a%zzb"', 'error calling urldecode: invalid URL escape "%zz"'),
        ('count "(" "x"', "error calling count: error parsing regexp: missing ): ("),
        ('regexReplaceAll "[" "x" ""', "error calling regexReplaceAll: error parsing regexp: missing ]: ["),
    ],
)
def test_failures(expression: str, text: str) -> None:
    assert reason(f"{{{{{expression}}}}}") == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        ("", None),
        ("{bad", None),
        ("1 2", None),
        ("NaN", None),
        ("[Infinity]", None),
        ("'x'", None),
        ("01", None),
        ('"\t"', None),
        (" 1 ", 1.0),
        ("-0", -0.0),
        ("12345678901234567890", 12345678901234567890.0),
        ("[1e400, 2]", [None, 2.0]),
        ('{"a":1,"a":{"b":true}}', {"a": {"b": True}}),
        ('"\\ud83d\\ude00 \\ud800 \\udc80x"', "😀 \ufffd \ufffdx"),
        ('{"\\ud800":["\\udfff"]}', {"\ufffd": ["\ufffd"]}),
        ('"\udcff"', "\ufffd"),
    ],
)
def test_json(text: str, value: object) -> None:
    read = from_json(text)
    assert read == value
    assert type(read) is type(value)


def test_json_that_nests_without_end_is_broken() -> None:
    assert from_json("[" * 100_000) is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    )
)
def test_json_is_read_as_it_is_written(value: object) -> None:
    assert from_json(json.dumps(value)) == value
    assert from_json(json.dumps(value, ensure_ascii=False)) == value


@given(TEXTS)
def test_what_is_encoded_is_decoded(text: str) -> None:
    assert render("{{.x | b64enc | b64dec}}", x=text) == text
    assert render("{{.x | b64enc}}", x=text) == base64.b64encode(text.encode()).decode()
    assert render("{{.x | urlencode | urldecode}}", x=text) == text
    assert render("{{.x | urlencode}}", x=text) == quote_plus(text)
    assert unquote_plus(render("{{.x | urlquery}}", x=text)) == text
    assert html.unescape(render("{{.x | html}}", x=text)) == text.replace("\0", "\ufffd")


@given(TEXTS, st.sampled_from(["a", "[a-z]", "", "x*", "(?s).", r"\b", "日|本"]))
def test_a_match_replaced_by_itself_changes_nothing(text: str, pattern: str) -> None:
    assert render("{{regexReplaceAll .p .x `$0`}}", x=text, p=pattern) == text
    marked = render("{{regexReplaceAllLiteral .p .x `\x01`}}", x=text.replace("\x01", ""), p=pattern)
    assert marked.count("\x01") == int(render("{{count .p .x}}", x=text.replace("\x01", ""), p=pattern))
