"""Read request bodies: their type first, then their bytes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Final
from urllib.parse import parse_qsl

import attrs
from quart import request

from logpulse.errors import BodyFormatError, BodyTooLargeError, InvalidRequestError, UnsupportedMediaError
from logpulse.http.direct_body import read_body
from logpulse.limits import FORM_BYTES, SMALL_JSON_BYTES
from logpulse.services.intake import IncomingBody

_FORM: Final = "application/x-www-form-urlencoded"


def incoming_json() -> IncomingBody:
    """Describe the body of a JSON push, which nothing of has been read yet.

    Raises:
        UnsupportedMediaError: the request says it is something else, or says nothing.
    """
    _require_json()
    return incoming_body(request.headers.get("Content-Encoding", ""))


def incoming_body(encoding: str) -> IncomingBody:
    """Describe the body of any push likewise; `encoding` is what undoes its Content-Encoding, empty for nothing."""
    return IncomingBody(encoding, partial(read_body, request.scope))


async def read_small_json() -> bytes:
    """Give the text of a JSON body that holds a few values.

    Raises:
        UnsupportedMediaError: the request says it is something else, or says nothing. No form of a foreign web page can
            say that it is JSON.
        BodyTooLargeError: it is longer than SMALL_JSON_BYTES.
    """
    _require_json()
    return await read_body(request.scope, _Bound("JSON bytes", SMALL_JSON_BYTES).admit)


def _require_json() -> None:
    if request.mimetype != "application/json" or request.mimetype_params.get("charset", "utf-8").lower() != "utf-8":
        raise UnsupportedMediaError("Content-Type", request.headers.get("Content-Type", ""), ("application/json",))


async def read_parameters() -> dict[str, str]:
    """Give the parameters of a query: those of the URL, and those of the form of a POST, which win.

    Raises:
        UnsupportedMediaError: the body is no URL-encoded form.
        BodyTooLargeError: the form is longer than FORM_BYTES.
        BodyFormatError: it is not UTF-8.
    """
    return dict(request.args.items()) | dict(await _read_form())


async def read_single_parameters() -> dict[str, str]:
    """Give the same parameters, each of which may be given once in the URL and once in the form.

    Raises:
        UnsupportedMediaError, BodyTooLargeError, BodyFormatError: as from `read_parameters`.
        InvalidRequestError: as from `single`.
    """
    return single(request.args.items(multi=True)) | single(await _read_form())


def single(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Give parameters by name.

    Raises:
        InvalidRequestError: a name comes twice, so that one value would silently win.
    """
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise InvalidRequestError(name, value, "must be given once")
        found[name] = value
    return found


async def read_repeated_parameters() -> list[tuple[str, str]]:
    """Give the same parameters as pairs, where names may come several times: those of the form first.

    Raises:
        UnsupportedMediaError, BodyTooLargeError, BodyFormatError: as from `read_parameters`.
    """
    return [*await _read_form(), *request.args.items(multi=True)]


async def _read_form() -> list[tuple[str, str]]:
    if request.method != "POST":
        return []
    if request.mimetype not in (_FORM, ""):
        raise UnsupportedMediaError("Content-Type", request.headers.get("Content-Type", ""), (_FORM,))
    body = await read_body(request.scope, _Bound("form bytes", FORM_BYTES).admit)
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise BodyFormatError(f"the form is not readable: {error}") from error


@attrs.define
class _Bound:
    limit: str
    most: int
    size: int = 0

    async def admit(self, size: int) -> None:
        self.size += size
        if self.size > self.most:
            raise BodyTooLargeError(self.limit, self.most, f"more than {self.most}")
