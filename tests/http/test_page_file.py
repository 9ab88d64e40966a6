"""Files of the page: their types, how long they may be kept, their ETags in either form, and the page with a nonce."""

from __future__ import annotations

import gzip
import re

import pytest

from logpulse.http.page_file import NONCE_SLOT, Headers, PageAnswer, Wanted, page_file

SCRIPT = b"export const answer = 42;\n" * 100
INDEX = b'<!doctype html><meta property="csp-nonce" nonce="' + NONCE_SLOT + b'"><title>x</title>'


def header(headers: Headers, name: str) -> str:
    (value,) = [value for each, value in headers if each == name.encode()]
    return value.decode()


def names(answer: PageAnswer) -> list[bytes]:
    return [name for name, _ in answer.headers]


@pytest.mark.parametrize(
    ("name", "content_type", "cached"),
    [
        ("assets/index-ck2-lgG0.js", "text/javascript; charset=utf-8", True),
        ("assets/index-DiwrgTda.css", "text/css; charset=utf-8", True),
        ("assets/index-DiwrgTda.js.map", "application/octet-stream", False),
        ("assets/plain.js", "text/javascript; charset=utf-8", False),
        ("theme.js", "text/javascript; charset=utf-8", False),
        ("theme-DiwrgTda.js", "text/javascript; charset=utf-8", False),
        ("index.html", "text/html; charset=utf-8", False),
        ("favicon.svg", "image/svg+xml", False),
        ("licences.md", "text/markdown; charset=utf-8", False),
        ("LICENCE", "application/octet-stream", False),
    ],
)
def test_type_and_keeping_follow_the_name(name: str, content_type: str, cached: bool) -> None:
    headers = page_file(name, b"x").answer(Wanted()).headers
    assert header(headers, "content-type") == content_type
    assert header(headers, "cache-control") == ("public, max-age=31536000, immutable" if cached else "no-cache")
    assert header(headers, "x-content-type-options") == "nosniff"


@pytest.mark.parametrize(
    ("accepted", "is_compressed"),
    [
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, gzip;q=0.1", True),
        ("*", True),
        ("", False),
        ("br", False),
        ("gzip;q=0", False),
        ("identity", False),
        ("gzip;q=x", False),
        ("\xff", False),
    ],
)
def test_compressed_for_those_who_take_it(accepted: str, is_compressed: bool) -> None:
    answer = page_file("a.js", SCRIPT).answer(Wanted(accepted))
    assert header(answer.headers, "vary") == "accept-encoding"
    assert (b"content-encoding" in names(answer)) == is_compressed
    assert int(header(answer.headers, "content-length")) == len(answer.body)
    assert (gzip.decompress(answer.body) if is_compressed else answer.body) == SCRIPT
    assert (len(answer.body) < len(SCRIPT)) == is_compressed


def test_what_gets_no_shorter_is_sent_as_it_is() -> None:
    answer = page_file("a.js", b"x").answer(Wanted("gzip"))
    assert answer.body == b"x"
    assert not {b"content-encoding", b"vary"} & set(names(answer))


def test_each_form_has_an_etag_of_its_own() -> None:
    file = page_file("a.js", SCRIPT)
    plain, packed = (header(file.answer(Wanted(each)).headers, "etag") for each in ("", "gzip"))
    assert plain != packed
    assert {plain[0], plain[-1], packed[0], packed[-1]} == {'"'}  # strong ones
    assert header(page_file("a.js", SCRIPT + b" ").answer(Wanted()).headers, "etag") != plain
    for shown, encoding, status in (
        (plain, "", 304),
        (packed, "gzip", 304),
        (f"W/{packed}", "gzip", 304),
        (f'"other", {plain}', "", 304),
        ("*", "", 304),
        (plain, "gzip", 200),
        (packed, "", 200),
        (plain.strip('"'), "", 304),  # lenient, as werkzeug is
        ('"other"', "", 200),
        ("", "", 200),
        ("\xff,,;", "", 200),
    ):
        answer = file.answer(Wanted(encoding, shown))
        assert answer.status == status, (shown, encoding)
        assert bool(answer.body) == (status == 200)
        if status == 304:
            assert {b"etag", b"cache-control", b"vary"} <= set(names(answer))  # RFC 9110, section 15.4.5
            assert b"content-length" not in names(answer)


def nonce_of(answer: PageAnswer) -> str:
    (nonce,) = re.findall(r"style-src 'self' 'nonce-([^']+)'", header(answer.headers, "content-security-policy"))
    return str(nonce)


def test_a_nonce_is_new_in_each_answer_and_the_same_in_policy_and_page() -> None:
    page = page_file("index.html", INDEX)
    first, second = page.answer(Wanted()), page.answer(Wanted())
    assert nonce_of(first) != nonce_of(second)
    for answer in (first, second):
        assert len(nonce_of(answer)) == 22
        assert answer.body == INDEX.replace(NONCE_SLOT, nonce_of(answer).encode())
    assert header(first.headers, "etag") != header(second.headers, "etag")


def test_a_page_that_is_still_right_keeps_its_nonce() -> None:
    page = page_file("index.html", INDEX)
    first = page.answer(Wanted())
    again = page.answer(Wanted(if_none_match=header(first.headers, "etag")))
    assert (again.status, again.body) == (304, b"")
    assert nonce_of(again) == nonce_of(first)
    assert header(again.headers, "etag") == header(first.headers, "etag")


def test_another_page_or_a_forged_etag_gets_a_new_nonce() -> None:
    page = page_file("index.html", INDEX)
    etag = header(page.answer(Wanted()).headers, "etag")
    digest = etag.strip('"').partition(".")[0]
    older = header(page_file("index.html", INDEX + b" ").answer(Wanted()).headers, "etag")
    forged = (older, f'"{digest}."', f'"{digest}.short"', f'"{digest}.{"é" * 22}"', f'"{digest}.{"x" * 21}\'"', "*")
    for shown in forged:
        answer = page.answer(Wanted(if_none_match=shown))
        assert answer.status == (304 if shown == "*" else 200)
        assert re.fullmatch(r"[A-Za-z0-9_-]{22}", nonce_of(answer))
        assert nonce_of(answer) not in shown
