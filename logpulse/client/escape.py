"""Make text from logs harmless: control characters become visible escapes, never commands to a terminal.

A log line may hold anything an attacker could make a program log: ANSI sequences that move the cursor, rename the
window or answer back as typed input (RUSTSEC-2025-0055 is one of many), and bidirectional overrides that reorder what
is read. Colours of the logged program are escaped as well: telling a harmless sequence from a harmful one is a race.
"""

from __future__ import annotations

import re
from typing import Final

# C0 but the tab, DEL, C1 (0x9b alone is CSI to some terminals), the line separators, what reorders text, what hides it.
# The joiners U+200C and U+200D stay: Persian and emoji are written with them.
_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff]"
)
_JSON_UNSAFE: Final = re.compile("[\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]")
_SHORT: Final = {"\n": r"\n", "\r": r"\r"}


def escape(text: str) -> str:
    r"""Write `text` on one line: `\n`, `\r`, `\x1b`, `\u202e` for what a terminal would obey; the tab stays.

    Backslashes are not doubled, since logs are full of them: this is for reading, not for reading back.
    """
    return text if _UNSAFE.search(text) is None else _UNSAFE.sub(_visible, text)


def escape_block(text: str, indent: str) -> str:
    """Write `text` with its line breaks, `indent` before each continuation line, all else as `escape` does.

    The indent shows that a line belongs to the entry above and cannot be taken for an entry of its own.
    """
    if "\n" not in text:
        return escape(text)
    lines = text.rstrip("\r\n").split("\n")
    return f"\n{indent}".join(escape(line.removesuffix("\r")) for line in lines)


def escape_json(text: str) -> str:
    r"""Write the JSON document `text` so that a terminal obeys nothing in it; its value stays the same.

    JSON escapes C0 itself; what remains can only stand inside strings, where `\u009b` means the same.
    """
    return text if _JSON_UNSAFE.search(text) is None else _JSON_UNSAFE.sub(_json_escape, text)


def _visible(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def _json_escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
