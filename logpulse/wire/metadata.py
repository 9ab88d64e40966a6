"""Write an entry's metadata as canonical JSON: equal metadata has equal text, so entries can be compared."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from logpulse.errors import InvalidRequestError, LimitExceededError
from logpulse.limits import METADATA_BYTES, METADATA_PAIRS
from logpulse.model.labels import scrub

_ENCODER = msgspec.json.Encoder(order="deterministic")
_DECODER = msgspec.json.Decoder(dict[str, str])


def canonical_metadata(pairs: Mapping[str, str]) -> str:
    """Write `pairs` with sorted names and no blanks.

    Raises:
        InvalidRequestError: a name is empty.
        LimitExceededError: there are too many pairs, or too many bytes in them.
    """
    if len(pairs) > METADATA_PAIRS:
        raise LimitExceededError("metadata pairs", METADATA_PAIRS, len(pairs))
    if "" in pairs:
        raise InvalidRequestError("metadata name", "", "must not be empty")
    try:
        text = _ENCODER.encode(pairs)
    except UnicodeEncodeError:
        text = _ENCODER.encode({scrub(name): scrub(value) for name, value in pairs.items()})
    if len(text) > METADATA_BYTES:
        raise LimitExceededError("metadata bytes", METADATA_BYTES, len(text))
    return text.decode()


def with_mark(text: str | None, name: str, value: str) -> str:
    """Add a pair of the server's own to canonical metadata. The limits hold for what the sender wrote."""
    return _ENCODER.encode(metadata_pairs(text) | {name: value}).decode()


def metadata_pairs(text: str | None) -> dict[str, str]:
    """Read canonical metadata; none is an empty dict."""
    return _DECODER.decode(text) if text else {}
