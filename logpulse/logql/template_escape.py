"""Functions of templates that write text for other languages, and back: URLs, base64, HTML, JavaScript."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote_plus, unquote_to_bytes

from logpulse.logql.template_failure import CallError
from logpulse.logql.template_types import GoType, Signature, from_bytes, to_bytes
from logpulse.logql.template_values import check_size, sprint

_BAD_ESCAPE: Final = re.compile("%(?![0-9A-Fa-f]{2}).{0,2}", re.DOTALL)
_BASE64: Final = re.compile("(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?")
_BASE64_START: Final = re.compile("[A-Za-z0-9+/]*")
_NEWLINES: Final = str.maketrans("", "", "\r\n")
_HTML: Final = str.maketrans({"\0": "\ufffd", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;"})
_JAVASCRIPT: Final = {
    "\\": "\\\\",
    "'": "\\'",
    '"': '\\"',
    "<": "\\u003C",
    ">": "\\u003E",
    "&": "\\u0026",
    "=": "\\u003D",
}


def _url_encode(text: str) -> str:
    return check_size(quote_plus(to_bytes(text)))


def _url_decode(text: str) -> str:
    wrong = _BAD_ESCAPE.search(text)
    if wrong is not None:
        raise CallError(f'invalid URL escape "{wrong[0]}"')
    return from_bytes(unquote_to_bytes(to_bytes(text.replace("+", " "))))


def _base64_encode(text: str) -> str:
    return check_size(base64.b64encode(to_bytes(text)).decode())


def _base64_decode(text: str) -> str:
    """Decode base64, with padding or without; of other text the result is Go's error, which is no failure here."""
    data = text.translate(_NEWLINES)
    if _BASE64.fullmatch(data) is None:
        start = _BASE64_START.match(data)
        place = start.end() if start is not None and start.end() < len(data) else len(data) // 4 * 4
        return f"illegal base64 data at input byte {place}"
    try:
        return from_bytes(base64.b64decode(data.rstrip("=") + "=" * (-len(data.rstrip("=")) % 4)))
    except binascii.Error:
        return f"illegal base64 data at input byte {len(data)}"


def _escape_html(operands: Sequence[object]) -> str:
    return check_size(_joined(operands).translate(_HTML))


def _escape_javascript(operands: Sequence[object]) -> str:
    return check_size("".join(map(_javascript_character, _joined(operands))))


def _javascript_character(character: str) -> str:
    special = _JAVASCRIPT.get(character)
    if special is not None:
        return special
    if character < " " or not (character.isascii() or character.isprintable() or "\udc80" <= character <= "\udcff"):
        return f"\\u{ord(character):04X}"
    return character


def _joined(operands: Sequence[object]) -> str:
    # As an action prints it: here nil is `<no value>`, not `<nil>`.
    return sprint(["<no value>" if operand is None else operand for operand in operands])


_S: Final = GoType.STRING

ESCAPE_FUNCTIONS: Final = {
    "urlencode": Signature(_url_encode, _S, (_S,)),
    "urldecode": Signature(_url_decode, _S, (_S,)),
    "b64enc": Signature(_base64_encode, _S, (_S,)),
    "b64dec": Signature(_base64_decode, _S, (_S,)),
    "html": Signature(lambda *operands: _escape_html(operands), _S, (), GoType.ANY),
    "js": Signature(lambda *operands: _escape_javascript(operands), _S, (), GoType.ANY),
    "urlquery": Signature(lambda *operands: _url_encode(_joined(operands)), _S, (), GoType.ANY),
}
