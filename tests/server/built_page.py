"""A page as the build makes one, small and made up."""

from __future__ import annotations

from pathlib import Path
from typing import Final

SCRIPT: Final = "assets/index-ck2-lgG0.js"
FILES: Final = {
    "index.html": (
        '<!doctype html><html lang="en"><head><meta property="csp-nonce" nonce="__CSP_NONCE__" />'
        f'<script type="module" crossorigin src="./{SCRIPT}"></script></head><body></body></html>'
    ),
    SCRIPT: "console.log('built');\n" * 200,
    "assets/index-DiwrgTda.css": "body { color: red }\n" * 200,
    "favicon.svg": '<svg xmlns="http://www.w3.org/2000/svg"/>',
}


def write_page(folder: Path) -> Path:
    """Lay it out in `folder`, beside a file that is not part of it."""
    static = folder / "static"
    (static / "assets").mkdir(parents=True)
    for name, text in FILES.items():
        (static / name).write_text(text)
    (folder / "secret.txt").write_text("secret")
    return static
