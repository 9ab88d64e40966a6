"""Loki's routes for pushes: `/loki/api/v1/push`, and the one before it that old senders still use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from quart import Blueprint, Response, request

from logpulse.errors import BodyFormatError, UnsupportedMediaError
from logpulse.http.bodies import incoming_body
from logpulse.http.context import Services
from logpulse.http.loki_problems import answer_in_text, text_response
from logpulse.services.intake import IncomingBody
from logpulse.wire.push import Push

Decode = Callable[[bytes, int], Push]

_ENCODINGS: Final = {"": "", "snappy": "", "gzip": "gzip", "deflate": "deflate"}  # snappy is part of the protobuf form
_REFUSALS_SHOWN: Final = 3
_LINE: Final = 1000  # characters; Promtail shows the first 1024 bytes of an answer's first line


def loki_push(services: Services) -> Blueprint:
    """Make the routes. Errors are text and end with a newline, as Loki's."""
    routes = Blueprint("loki_push", __name__)
    answer_in_text(routes, end="\n")
    decoder = services.loki_decoder

    @routes.post("/loki/api/v1/push")
    async def push() -> Response:
        return await _store(services, decoder.decode_json, decoder.decode_protobuf)

    @routes.post("/api/prom/push")
    async def legacy_push() -> Response:
        return await _store(services, decoder.decode_legacy_json, decoder.decode_protobuf)

    return routes


async def _store(services: Services, decode_json: Decode, decode_protobuf: Decode) -> Response:
    if not request.mimetype:
        raise BodyFormatError("mime: no media type; send Content-Type application/json or application/x-protobuf")
    decode = decode_json if request.mimetype == "application/json" else decode_protobuf
    push = await services.intake.take(_incoming(), lambda body: decode(body, services.now_ns()))
    if push.rejected_count:
        services.metrics.rejected_lines.labels("invalid").inc(push.rejected_count)
        return text_response(_refusal(push) + "\n", 400)
    response = Response("", 204)
    del response.headers["Content-Type"]
    return response


def _incoming() -> IncomingBody:
    sent = request.headers.get("Content-Encoding", "")
    encoding = _ENCODINGS.get(sent.strip().lower())
    if encoding is None:
        raise UnsupportedMediaError("Content-Encoding", sent, tuple(filter(None, _ENCODINGS)))
    return incoming_body(encoding)


def _refusal(push: Push) -> str:
    """Name the first refused entries, and count all of them, in one line."""
    shown = "; ".join(
        f"stream {each.stream}, entry {each.entry}: {each.reason}" for each in push.rejected[:_REFUSALS_SHOWN]
    )
    total = push.rejected_count + push.batch.rows
    line = f"{push.rejected_count} of {total} entries were refused, {push.batch.rows} are stored: {shown}"
    return line if len(line) <= _LINE else f"{line[:_LINE]}…"
