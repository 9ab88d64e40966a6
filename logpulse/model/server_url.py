"""The URL of a server, as every client of it reads it."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

_HOST: Final = re.compile(r"[\w.:%-]+")


def split_server_url(text: str) -> SplitResult | None:
    """Split an http or https URL; None where it is none, or where its host or port is one that nothing connects to.

    User, path, query and fragment may be there: what is allowed of them is for the caller to say.
    """
    if not text.isprintable() or " " in text:
        return None  # urlsplit drops some of these in silence, an HTTP client raises at them
    try:
        parts = urlsplit(text)
        port = parts.port  # looked at only when asked
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or port == 0 or not _is_host(parts.hostname or ""):
        return None
    return parts


def _is_host(name: str) -> bool:
    """Tell whether a resolver would take `name`; what it would raise otherwise differs with each of them."""
    if _HOST.fullmatch(name) is None:
        return False
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return True
