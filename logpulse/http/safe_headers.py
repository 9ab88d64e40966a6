"""The headers that keep a browser from doing with our answers what they are not meant for."""

from __future__ import annotations

from typing import Final

SAFE_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""For every answer, whatever it holds."""


def page_policy(style_source: str = "") -> str:
    """Write the Content-Security-Policy of the web page: its own files and this server, and nothing else.

    `style_source` is one more source of style sheets, such as a nonce for those that the editor makes.
    """
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'{style_source and ' '}{style_source}; "
        "img-src 'self' data:; connect-src 'self'; font-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
