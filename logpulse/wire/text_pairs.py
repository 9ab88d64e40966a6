"""Names with text values, as JSON gives them: labels, and the metadata of an entry."""

from __future__ import annotations

from logpulse.errors import InvalidRequestError, shorten


def text_pairs(value: object, field: str) -> dict[str, str]:
    """Take `value`, which JSON gave for `field`, as names with text values.

    Raises:
        InvalidRequestError: it is no object, or one of its values is no text; names that.
    """
    if not isinstance(value, dict):
        raise InvalidRequestError(field, value, "must be an object with text values")
    for name, each in value.items():
        if not isinstance(each, str):
            raise InvalidRequestError(f"{field}[{shorten(name)}]", each, "must be text")
    return value
