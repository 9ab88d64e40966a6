"""Functions of templates that make text of text. Some count bytes and some characters, as Go's do."""

from __future__ import annotations

from typing import Final

from logpulse.limits import TEMPLATE_BYTES
from logpulse.logql.template_failure import CallError
from logpulse.logql.template_printf import sprintf
from logpulse.logql.template_types import GoType, Signature, byte_length, from_bytes, to_bytes
from logpulse.logql.template_values import check_size, sprint, sprint_line, text_too_long

# What Go takes for white space; Python's own list has the separators \x1c to \x1f as well.
_SPACES: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


# -- letters ----------------------------------------------------------------------------------------------------------


def upper(text: str) -> str:
    """Turn each character into its upper case, if that is one character: `ß` stays."""
    result = text.upper()
    return result if len(result) == len(text) else "".join(map(_upper_character, text))


def _upper_character(character: str) -> str:
    for candidate in (character.upper(), character.title()):
        if len(candidate) == 1:
            return candidate
    return character


def lower(text: str) -> str:
    """Turn each character into its lower case, without regard to its neighbours: `Σ` has one lower case, also last."""
    if text.isascii() or ("Σ" not in text and "İ" not in text):
        return text.lower()
    return "".join("i" if character == "İ" else character.lower() for character in text)


def title(text: str) -> str:
    """Turn the first letter of each word into a capital and leave the others."""
    result = []
    after = " "
    for character in text:
        capital = character.title() if _separates(after) else character
        result.append(capital if len(capital) == 1 else character)
        after = character
    return "".join(result)


def _separates(character: str) -> bool:
    if character.isascii():
        return not (character.isalnum() or character == "_")
    return character in _SPACES


# -- parts ------------------------------------------------------------------------------------------------------------


def trunc(count: int, text: str) -> str:
    """Keep the first `count` bytes, or the last ones if it is negative."""
    if text.isascii():
        return text[:count] if count >= 0 else text[count:]
    data = to_bytes(text)
    return from_bytes(data[:count] if count >= 0 else data[count:])


def substr(start: int, end: int, text: str) -> str:
    """Cut out bytes; a negative start is 0, an end beyond the text or negative its end."""
    data = to_bytes(text)
    if start < 0:
        if end < 0:
            raise _out_of_range(f"[:{end}]")
        if end > len(data):
            raise _out_of_range(f"[:{end}] with length {len(data)}")
        return from_bytes(data[:end])
    end = len(data) if end < 0 or end > len(data) else end
    if start > end:
        raise _out_of_range(f"[{start}:{end}]")
    return from_bytes(data[start:end])


def _out_of_range(bounds: str) -> CallError:
    return CallError(f"runtime error: slice bounds out of range {bounds}")


def _align_left(width: int, text: str) -> str:
    if width < 0 or width == len(text):
        return text
    return text[:width] if width < len(text) else text + _repeat(width - len(text), " ")


def _align_right(width: int, text: str) -> str:
    if width < 0 or width == len(text):
        return text
    return text[len(text) - width :] if width < len(text) else _repeat(width - len(text), " ") + text


# -- repetition -------------------------------------------------------------------------------------------------------


def _repeat(count: int, text: str) -> str:
    if count < 0:
        raise CallError("strings: negative Repeat count")
    size = count * byte_length(text)
    if size > TEMPLATE_BYTES:
        raise text_too_long(size)
    return text * count if text else ""


def _indent(width: int, text: str) -> str:
    padding = _repeat(width, " ")
    return padding + _replace("\n", f"\n{padding}", text)


def _nindent(width: int, text: str) -> str:
    return f"\n{_indent(width, text)}"


def _replace(old: str, new: str, text: str) -> str:
    return _replace_first(text, old, new, -1)


def _replace_first(text: str, old: str, new: str, count: int) -> str:
    if len(new) > len(old):
        found = text.count(old)
        growth = (found if count < 0 else min(found, count)) * (len(new) - len(old))
        if len(text) + growth > TEMPLATE_BYTES:
            raise text_too_long(len(text) + growth)
    return check_size(text.replace(old, new, max(count, -1)))


# -- the functions ----------------------------------------------------------------------------------------------------

_S: Final = GoType.STRING
_I: Final = GoType.INT
_B: Final = GoType.BOOL

TEXT_FUNCTIONS: Final = {
    "lower": Signature(lower, _S, (_S,)),
    "ToLower": Signature(lower, _S, (_S,)),
    "upper": Signature(upper, _S, (_S,)),
    "ToUpper": Signature(upper, _S, (_S,)),
    "title": Signature(title, _S, (_S,)),
    "trim": Signature(lambda text: text.strip(_SPACES), _S, (_S,)),
    "TrimSpace": Signature(lambda text: text.strip(_SPACES), _S, (_S,)),
    "trimAll": Signature(lambda characters, text: text.strip(characters), _S, (_S, _S)),
    "Trim": Signature(lambda text, characters: text.strip(characters), _S, (_S, _S)),
    "TrimLeft": Signature(lambda text, characters: text.lstrip(characters), _S, (_S, _S)),
    "TrimRight": Signature(lambda text, characters: text.rstrip(characters), _S, (_S, _S)),
    "trimPrefix": Signature(lambda prefix, text: text.removeprefix(prefix), _S, (_S, _S)),
    "TrimPrefix": Signature(lambda text, prefix: text.removeprefix(prefix), _S, (_S, _S)),
    "trimSuffix": Signature(lambda suffix, text: text.removesuffix(suffix), _S, (_S, _S)),
    "TrimSuffix": Signature(lambda text, suffix: text.removesuffix(suffix), _S, (_S, _S)),
    "trunc": Signature(trunc, _S, (_I, _S)),
    "substr": Signature(substr, _S, (_I, _I, _S)),
    "replace": Signature(_replace, _S, (_S, _S, _S)),
    "Replace": Signature(_replace_first, _S, (_S, _S, _S, _I)),
    "contains": Signature(lambda part, text: part in text, _B, (_S, _S)),
    "hasPrefix": Signature(lambda prefix, text: text.startswith(prefix), _B, (_S, _S)),
    "hasSuffix": Signature(lambda suffix, text: text.endswith(suffix), _B, (_S, _S)),
    "indent": Signature(_indent, _S, (_I, _S)),
    "nindent": Signature(_nindent, _S, (_I, _S)),
    "repeat": Signature(_repeat, _S, (_I, _S)),
    "alignLeft": Signature(_align_left, _S, (_I, _S)),
    "alignRight": Signature(_align_right, _S, (_I, _S)),
    "printf": Signature(lambda pattern, *operands: sprintf(pattern, operands), _S, (_S,), GoType.ANY),
    "print": Signature(lambda *operands: sprint(operands), _S, (), GoType.ANY),
    "println": Signature(lambda *operands: sprint_line(operands), _S, (), GoType.ANY),
}
