"""JSON that the typed decoder refused, read by a reader that is slower and takes more."""

from __future__ import annotations

import json
from typing import NoReturn

import msgspec

from logpulse.errors import BodyFormatError
from logpulse.limits import SALVAGE_BYTES


def read_leniently(body: bytes, cause: Exception) -> object:
    """Read a document that the typed decoder refused for `cause`. Lone surrogates, which it cannot read, stay in it.

    Raises:
        BodyFormatError: it is no JSON, nested too deeply, or longer than SALVAGE_BYTES; says where it breaks.
    """
    if len(body) > SALVAGE_BYTES:
        if isinstance(cause, UnicodeDecodeError):
            _text_of(body)
        raise BodyFormatError(
            f"{cause}; send bodies of at most {SALVAGE_BYTES} bytes to have their good entries stored"
        )
    text = _text_of(body)
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise BodyFormatError("the JSON is nested too deeply") from None
    except ValueError as error:
        # The typed decoder stops at a wrong type, which is not yet what breaks the JSON.
        fault = error if isinstance(cause, msgspec.ValidationError) else cause
        raise BodyFormatError(f"the body is not valid JSON: {fault}") from None


def _text_of(body: bytes) -> str:
    """Decode a body. The typed decoder knows the place of a wrong byte within its text only."""
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise BodyFormatError(f"the body is not valid JSON: it is no UTF-8 (byte {error.start})") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")
