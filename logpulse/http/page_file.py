"""One file of the web page, read and compressed before the first request; and what it answers to a request."""

from __future__ import annotations

import gzip
import hashlib
import re
import secrets
from typing import Final, Protocol

import attrs
from hypercorn.typing import HTTPScope
from werkzeug.http import parse_accept_header, parse_etags

from logpulse.http.safe_headers import SAFE_HEADERS, page_policy

NONCE_SLOT: Final = b"__CSP_NONCE__"
"""Stands in index.html where each answer has a nonce of its own."""

# A fixed table: that of the `mimetypes` module depends on the machine.
_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "ico": "image/x-icon",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "png": "image/png",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "webmanifest": "application/manifest+json",
    "woff2": "font/woff2",
}
_HASHED: Final = re.compile(r"assets/.+-[\w-]{8}\.\w+")  # Vite's names, which change with the contents
_FOREVER: Final = "public, max-age=31536000, immutable"
_ASK_AGAIN: Final = "no-cache"
_NONCE: Final = re.compile(r"[\w-]{22}", re.ASCII)
_NONCE_BYTES: Final = 16

Headers = list[tuple[bytes, bytes]]


@attrs.frozen
class Wanted:
    """Hold what of a request for a file decides the answer, each header as its text, empty where it is missing."""

    accept_encoding: str = ""
    if_none_match: str = ""

    @classmethod
    def of(cls, scope: HTTPScope) -> Wanted:
        """Read it from a request."""
        return cls(_header(scope, b"accept-encoding"), _header(scope, b"if-none-match"))

    @property
    def takes_gzip(self) -> bool:
        """Whether the answer may be compressed."""
        return parse_accept_header(self.accept_encoding)["gzip"] > 0


def _header(scope: HTTPScope, name: bytes) -> str:
    return ", ".join(value.decode("latin-1") for each, value in scope["headers"] if each == name)


@attrs.frozen
class PageAnswer:
    """Hold a whole answer; the body is empty for a client that has the file already (304)."""

    status: int
    headers: Headers
    body: bytes


class PageFile(Protocol):
    """Answer requests for one file. Nothing is read, compressed or waited for."""

    def answer(self, wanted: Wanted) -> PageAnswer:
        """Give the file, or tell that what the client has is still right."""


@attrs.frozen
class _Form:
    """One of the forms in which a file may be sent; its ETag is its own, as it names these very bytes."""

    etag: str
    body: bytes
    headers: Headers

    def answer(self, if_none_match: str) -> PageAnswer:
        # Weak comparison (RFC 9110, section 13.1.2): a proxy that compresses makes our ETags weak ones.
        if parse_etags(if_none_match).contains_weak(self.etag):
            return PageAnswer(304, self.headers, b"")
        return PageAnswer(200, [*self.headers, (b"content-length", b"%d" % len(self.body))], self.body)


@attrs.frozen
class Asset:
    """A file that is the same for everyone, as it is and, where that is shorter, compressed."""

    plain: _Form
    compressed: _Form | None

    @classmethod
    def of(cls, name: str, content: bytes) -> Asset:
        """Make it of what a file with the relative path `name` holds. Takes some 40 ms a MB."""
        digest, packed = _digest(content), gzip.compress(content, 9, mtime=0)
        headers = _headers(name, page_policy())
        if len(packed) >= len(content):
            return cls(_form(digest, content, headers), None)
        headers.append((b"vary", b"accept-encoding"))
        return cls(
            _form(digest, content, headers),
            _form(f"{digest}-gzip", packed, [*headers, (b"content-encoding", b"gzip")]),
        )

    def answer(self, wanted: Wanted) -> PageAnswer:
        """Give the file, or tell that what the client has is still right."""
        form = self.compressed if self.compressed and wanted.takes_gzip else self.plain
        return form.answer(wanted.if_none_match)


@attrs.frozen
class NoncePage:
    """A page with NONCE_SLOT in it. Each answer fills the slot anew, and its policy admits style sheets by that nonce.

    The ETag is that of the file, and the nonce: so it names the very bytes of one answer. A client that shows it has
    those bytes, and with them their nonce, which the policy beside a 304 therefore repeats. It is not compressed: it is
    small, and differs each time.
    """

    name: str
    content: bytes
    digest: str

    @classmethod
    def of(cls, name: str, content: bytes) -> NoncePage:
        """Make it of what a file with the relative path `name` holds."""
        return cls(name, content, _digest(content))

    def answer(self, wanted: Wanted) -> PageAnswer:
        """Give the page, or tell that what the client has is still right."""
        nonce = self._nonce_held(wanted.if_none_match) or secrets.token_urlsafe(_NONCE_BYTES)
        body = self.content.replace(NONCE_SLOT, nonce.encode())
        headers = _headers(self.name, page_policy(f"'nonce-{nonce}'"))
        return _form(f"{self.digest}.{nonce}", body, headers).answer(wanted.if_none_match)

    def _nonce_held(self, if_none_match: str) -> str:
        """Give the nonce of the present page that a client has, empty for none."""
        for etag in parse_etags(if_none_match).as_set(include_weak=True):
            digest, _, nonce = etag.partition(".")
            if digest == self.digest and _NONCE.fullmatch(nonce):
                return nonce
        return ""


def page_file(name: str, content: bytes) -> PageFile:
    """Make a file of the page of its path, relative to the page's folder, and of what it holds."""
    return NoncePage.of(name, content) if NONCE_SLOT in content else Asset.of(name, content)


def _form(etag: str, body: bytes, headers: Headers) -> _Form:
    return _Form(etag, body, [*headers, (b"etag", f'"{etag}"'.encode())])


def _headers(name: str, policy: str) -> Headers:
    texts = {
        "Content-Type": _TYPES.get(name.rpartition(".")[2], "application/octet-stream"),
        "Cache-Control": _FOREVER if _HASHED.fullmatch(name) else _ASK_AGAIN,
        "Content-Security-Policy": policy,
        **SAFE_HEADERS,
    }
    return [(name.lower().encode(), value.encode()) for name, value in texts.items()]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
