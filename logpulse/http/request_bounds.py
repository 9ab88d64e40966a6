"""What the head of a request may look like; anything else is refused before an application sees it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote, unquote_to_bytes, urlsplit

import attrs
from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, Scope, WWWScope

from logpulse.errors import InvalidRequestError, LimitExceededError
from logpulse.http.refusal import Refusal
from logpulse.limits import HEADER_BYTES, HEADER_COUNT, TARGET_BYTES

_LENGTH: Final = re.compile(rb"[0-9]{1,19}")
_HOST: Final = re.compile(rb"\[.*|([^.:]{1,63}(\.[^.:]{1,63})*\.?)?(:.*)?", re.DOTALL)
_BROKEN_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_CONTROL: Final = re.compile(rb"[\x00-\x1f\x7f]")
_LINE_OVERHEAD: Final = len(b": \r\n")


@attrs.frozen
class RequestBounds:
    """Refuse requests whose head is too large, ambiguous or no HTTP; pass on all others. See `inspect_head`."""

    app: ASGIFramework

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve one ASGI scope; lifespan passes unseen."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        outcome = inspect_head(scope)
        if isinstance(outcome, Refusal):
            await outcome.answer(scope, receive, send)
        else:
            await self.app(outcome, receive, send)


def inspect_head(scope: WWWScope) -> WWWScope | Refusal:
    """Give back `scope`, its target in origin form (`/path`), or the refusal it deserves.

    400: a target that is neither a path nor an http URL, or has a broken or control-character escape; a Content-Length
    that is no number, contradicts itself or comes with Transfer-Encoding (RFC 9112, section 6.3: request smuggling);
    more than one Host, or one that is no name, at which Quart 0.22 fails. 414: a target over TARGET_BYTES. 431: more
    than HEADER_COUNT headers or HEADER_BYTES of them.
    """
    return _header_fault(scope["headers"]) or _inspect_target(scope)


def _header_fault(headers: Iterable[tuple[bytes, bytes]]) -> Refusal | None:
    count = size = 0
    values: dict[bytes, list[bytes]] = {b"content-length": [], b"transfer-encoding": [], b"host": []}
    for name, value in headers:
        count += 1
        size += len(name) + len(value) + _LINE_OVERHEAD
        if name in values:
            values[name].append(value)
    if count > HEADER_COUNT:
        return Refusal.of(431, LimitExceededError("the number of headers", HEADER_COUNT, count))
    if size > HEADER_BYTES:
        return Refusal.of(431, LimitExceededError("the size of all headers in bytes", HEADER_BYTES, size))
    hosts = values[b"host"]
    if len(hosts) > 1:
        return _invalid("Host", b", ".join(hosts), "must be given once")
    if hosts and _HOST.fullmatch(hosts[0]) is None:
        return _invalid("Host", hosts[0], "must have no part that is empty or longer than 63 bytes")
    lengths = values[b"content-length"]
    if lengths and values[b"transfer-encoding"]:
        return _invalid("Content-Length", lengths[0], "must be left out when Transfer-Encoding is given")
    if len(set(lengths)) > 1 or any(_LENGTH.fullmatch(length) is None for length in lengths):
        return _invalid("Content-Length", b", ".join(lengths), "must be one number of bytes")
    return None


def _inspect_target(scope: WWWScope) -> WWWScope | Refusal:
    path = scope["raw_path"]
    size = len(path) + len(scope["query_string"])
    if size > TARGET_BYTES:
        advice = "send a long query as a form"
        return Refusal.of(414, LimitExceededError("the size of the URL in bytes", TARGET_BYTES, size, advice=advice))
    if path == b"*" and scope["type"] == "http" and scope["method"] == "OPTIONS":
        return scope
    if not path.startswith(b"/"):
        return _inspect_absolute_form(scope)
    if _BROKEN_ESCAPE.search(path):
        return _invalid("URL", path, "must write % as %25 in its path")
    octets = unquote_to_bytes(path)
    if _CONTROL.search(octets):
        return _invalid("URL", path, "must have no control characters in its path")
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return _invalid("URL", path, "must be UTF-8 in its path")
    return scope


def _inspect_absolute_form(scope: WWWScope) -> WWWScope | Refusal:
    """Take `http://host/path`, as proxies are sent it, for `/path` (RFC 9112, section 3.2.2)."""
    target = scope["raw_path"].decode("latin-1")
    try:
        parts = urlsplit(target)
        is_url = parts.scheme in {"http", "https", "ws", "wss"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url:
        return _invalid("URL", scope["raw_path"], "must be a path such as /query")
    scope = scope.copy()
    scope["path"] = unquote(parts.path or "/")
    scope["raw_path"] = (parts.path or "/").encode("latin-1")
    return _inspect_target(scope)


def _invalid(field: str, value: bytes, reason: str) -> Refusal:
    return Refusal.of(400, InvalidRequestError(field, value.decode("latin-1"), reason))
