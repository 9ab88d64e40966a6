"""Answers that are compressed where the client likes it and it is worth while."""

from __future__ import annotations

import zlib
from typing import Final

import attrs
from quart import Response, request

from logpulse.limits import COMPRESSED_ANSWER_BYTES

_GZIP: Final = "gzip"
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_LEVEL: Final = 1  # log text shrinks to a seventh; higher levels take several times longer for little more


@attrs.frozen
class AnswerBody:
    """Hold the bytes of an answer and their Content-Encoding, empty for none."""

    content: bytes
    encoding: str = ""

    def compressed(self) -> AnswerBody:
        """Compress it if it is long enough; takes about 10 ms a MB, so it belongs into a worker thread."""
        if len(self.content) < COMPRESSED_ANSWER_BYTES:
            return self
        return AnswerBody(zlib.compress(self.content, _LEVEL, _GZIP_WINDOW), _GZIP)

    def response(self, content_type: str) -> Response:
        """Answer a request with it."""
        response = Response(self.content, content_type=content_type)
        response.headers["Vary"] = "Accept-Encoding"
        if self.encoding:
            response.headers["Content-Encoding"] = self.encoding
        return response


def accepts_gzip() -> bool:
    """Tell whether the client of this request takes gzip."""
    return request.accept_encodings[_GZIP] > 0
