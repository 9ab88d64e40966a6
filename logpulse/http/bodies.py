"""Read request bodies: their type first, then their bytes, then what they decompress to."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

import trio
from quart import request

from logpulse.errors import BodyFormatError, BodyTooLargeError, UnsupportedMediaError
from logpulse.limits import FORM_BYTES
from logpulse.wire.compression import decompress

_FORM: Final = "application/x-www-form-urlencoded"


async def read_json_body() -> bytes:
    """Give the decompressed body of a JSON request.

    Raises:
        UnsupportedMediaError: the request says it is something else, or says nothing.
        BodyTooLargeError, BodyFormatError: from `decompress`.
    """
    if request.mimetype != "application/json" or request.mimetype_params.get("charset", "utf-8").lower() != "utf-8":
        raise UnsupportedMediaError("Content-Type", request.headers.get("Content-Type", ""), ("application/json",))
    body = await _read()
    encoding = request.headers.get("Content-Encoding", "")
    if not encoding:
        return body
    return await trio.to_thread.run_sync(decompress, body, encoding)


async def read_parameters() -> dict[str, str]:
    """Give the parameters of a query: those of the URL, and those of the form of a POST, which win.

    Raises:
        UnsupportedMediaError: the body is no URL-encoded form.
        BodyTooLargeError: the form is longer than FORM_BYTES.
        BodyFormatError: it is not UTF-8.
    """
    parameters = dict(request.args.items())
    if request.method != "POST":
        return parameters
    if request.mimetype not in (_FORM, ""):
        raise UnsupportedMediaError("Content-Type", request.headers.get("Content-Type", ""), (_FORM,))
    body = await _read()
    if len(body) > FORM_BYTES:
        raise BodyTooLargeError("form bytes", FORM_BYTES, len(body))
    try:
        return parameters | dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict"))
    except ValueError as error:
        raise BodyFormatError(f"the form is not readable: {error}") from error


async def _read() -> bytes:
    """Collect the body. The middleware bounds its size and its time."""
    return b"".join([piece async for piece in request.body])
