"""Functions of templates on text: what they give, and what counts bytes and what characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.logql.template_text import lower, substr, title, trunc, upper
from logpulse.logql.template_types import byte_length, from_bytes, to_bytes, well_formed
from tests.logql.rendering import reason, render

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ('lower "AbC Ä"', "abc ä"),
        ('ToLower "AbC"', "abc"),
        ('upper "aß ŉ ﬀ ǆ"', "Aß ŉ ﬀ Ǆ"),
        ('upper "ᾳ"', "ᾼ"),
        ('ToUpper "ab"', "AB"),
        ('lower "İSTANBUL ΣIΣ"', "istanbul \u03c3i\u03c3"),
        ('title "hello wORLD a-b c_d 1st don\'t ünï"', "Hello WORLD A-B C_d 1st Don'T Ünï"),
        ('trim "\\t x y\\u00a0\\n"', "x y"),
        ('trim "\\x1cx\\x1c"', "\x1cx\x1c"),
        ('TrimSpace " x "', "x"),
        ('trimAll "$é" "é$5.00$"', "5.00"),
        ('Trim "xxabcxx" "x"', "abc"),
        ('TrimLeft "xxabcxx" "x"', "abcxx"),
        ('TrimRight "xxabcxx" "x"', "xxabc"),
        ('Trim "abc" ""', "abc"),
        ('trimPrefix "-" "--a"', "-a"),
        ('TrimPrefix "--a" "-"', "-a"),
        ('trimSuffix "-" "a--"', "a-"),
        ('TrimSuffix "a--" "-"', "a-"),
        ('trunc 3 "hello"', "hel"),
        ('trunc -3 "hello"', "llo"),
        ('trunc -9 "hello"', "hello"),
        ('trunc -5 "hello"', "hello"),
        ('trunc 0 "hello"', ""),
        ('trunc 9 "hello"', "hello"),
        ('trunc 3.0 "hello"', "hel"),
        ('trunc 2 "Köln"', "K\ufffd"),
        ('trunc 2 "東京"', "\ufffd\ufffd"),
        ('trunc 3 "Köln"', "Kö"),
        ('substr 1 3 "hello"', "el"),
        ('substr -1 3 "hello"', "hel"),
        ('substr 2 -1 "hello"', "llo"),
        ('substr 2 99 "hello"', "llo"),
        ('substr 5 9 "hello"', ""),
        ('substr 2 5 "東京"', "\ufffd\ufffd\ufffd"),
        ('print (trunc 1 "é") (trunc -1 "é")', "é"),
        ('replace "a" "b" "banana"', "bbnbnb"),
        ('replace "" "-" "日本"', "-日-本-"),
        ('Replace "banana" "a" "b" 2', "bbnbna"),
        ('Replace "banana" "a" "b" 0', "banana"),
        ('Replace "banana" "a" "b" -5', "bbnbnb"),
        ('contains "an" "banana"', "true"),
        ('contains "" "x"', "true"),
        ('hasPrefix "ba" "banana"', "true"),
        ('hasSuffix "ba" "banana"', "false"),
        ('indent 2 "a\\nb"', "  a\n  b"),
        ('nindent 1 "a\\n"', "\n a\n "),
        ('repeat 3 "ab"', "ababab"),
        ('repeat 0 "ab"', ""),
        ('alignLeft 4 "日本"', "日本  "),
        ('alignLeft 1 "日本"', "日"),
        ('alignRight 4 "日本"', "  日本"),
        ('alignRight 1 "日本"', "本"),
        ('alignLeft 0 "日本"', ""),
        ('alignRight -1 "日本"', "日本"),
        ('alignLeft 2 "日本"', "日本"),
        ('print "a" "b" 1 2 true "c" nil nil', "ab1 2 truec<nil> <nil>"),
        ("print", ""),
        ('println "a" 1', "a 1\n"),
        ("println", "\n"),
    ],
)
def test_results(expression: str, text: str) -> None:
    assert render(f"{{{{{expression}}}}}") == text


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ('substr 5 2 "request"', "error calling substr: runtime error: slice bounds out of range [5:2]"),
        ('substr 9 -1 "abc"', "error calling substr: runtime error: slice bounds out of range [9:3]"),
        ('substr -1 9 "abc"', "error calling substr: runtime error: slice bounds out of range [:9] with length 3"),
        ('substr -1 -1 "abc"', "error calling substr: runtime error: slice bounds out of range [:-1]"),
        ('repeat -1 "a"', "error calling repeat: strings: negative Repeat count"),
        ('indent -1 "a"', "error calling indent: strings: negative Repeat count"),
    ],
)
def test_failures(expression: str, text: str) -> None:
    assert reason(f"{{{{{expression}}}}}") == text


@given(TEXTS)
def test_letters_keep_their_number(text: str) -> None:
    for function in (upper, lower, title):
        assert len(function(text)) == len(text)


@given(TEXTS, st.integers(-90, 90))
def test_trunc_keeps_bytes_of_one_end(text: str, count: int) -> None:
    kept = to_bytes(trunc(count, text))
    assert len(kept) == min(abs(count), byte_length(text)) or (count < 0 and len(kept) == byte_length(text))
    whole = text.encode()
    assert whole.startswith(kept) if count >= 0 else whole.endswith(kept)


@given(TEXTS, st.integers(0, 90))
def test_the_two_parts_of_a_text_make_it_again(text: str, position: int) -> None:
    size = byte_length(text)
    parts = substr(0, min(position, size), text) + substr(min(position, size), -1, text)
    assert well_formed(parts) == text


@given(st.binary(max_size=12))
def test_each_byte_that_is_no_text_becomes_one_replacement(data: bytes) -> None:
    assert to_bytes(from_bytes(data)) == data
    shown = well_formed(from_bytes(data))
    shown.encode()
    if all(byte >= 0x80 and byte < 0xC0 for byte in data):
        assert shown == "\ufffd" * len(data)
