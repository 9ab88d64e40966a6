"""The labels of a stream as text, as Loki's senders write them: `{app="x", env="p"}`."""

from __future__ import annotations

import re
from typing import Final

from logpulse.errors import BodyFormatError, shorten
from logpulse.model.quoted import LiteralError, unquote

_BLANKS: Final = " \t\r\n"
_PAIR: Final = re.compile(
    r'([a-zA-Z_][a-zA-Z0-9_]*)[ \t\r\n]*=[ \t\r\n]*("[^"\\\n]*(?:\\.[^"\\\n]*)*")[ \t\r\n]*(?:,[ \t\r\n]*)?'
)


def read_label_text(text: str) -> dict[str, str]:
    r"""Read the pairs of `text`. Values are quoted and escaped by Go's rules; a comma may stand behind the last pair.

    Raises:
        BodyFormatError: it is no such text, an escape is none of Go's, or a name occurs twice.
    """
    stripped = text.strip(_BLANKS)
    if not (stripped.startswith("{") and stripped.endswith("}")):
        raise BodyFormatError(f"error parsing labels {shorten(text)}: they stand in braces")
    end = len(stripped) - 1
    at = len(stripped) - len(stripped[1:].lstrip(_BLANKS))
    pairs: dict[str, str] = {}
    separated = True
    while at < end:
        match = _PAIR.match(stripped, at, end)
        if match is None or not separated:
            raise BodyFormatError(f'error parsing labels {shorten(text)}: expected name="value" at character {at + 1}')
        name = match[1]
        if name in pairs:
            raise BodyFormatError(f"stream {shorten(text)} has duplicate label name: '{name}'")
        try:
            pairs[name] = unquote(match[2])
        except LiteralError as error:
            raise BodyFormatError(f"error parsing labels {shorten(text)}: the value of {name}: {error}") from None
        separated = match[0].rstrip(_BLANKS).endswith(",")
        at = match.end()
    return pairs
