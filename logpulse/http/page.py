"""The built web page: its files in memory, and the middleware that answers requests for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs
from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, Scope

from logpulse.http.page_file import PageFile, Wanted, page_file

PAGE_FOLDER: Final = Path(__file__).parent.parent / "web" / "static"
"""Where `npm run build` puts the page, and packages have it."""

_INDEX: Final = "index.html"


@attrs.frozen
class Page:
    """Hold the files of the page by the path of their requests; none where the page is not built."""

    files: Mapping[str, PageFile] = attrs.field(factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Page:
        """Read and compress the page in `folder`, all of it, so that no request waits for a disk.

        Raises:
            OSError: a file of it cannot be read.
        """
        if not (folder / _INDEX).is_file():
            return cls()
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        names = [path.relative_to(folder).as_posix() for path in paths]
        files = {f"/{name}": page_file(name, path.read_bytes()) for name, path in zip(names, paths, strict=True)}
        return cls({"/": files[f"/{_INDEX}"], **files})


@attrs.frozen
class WithPage:
    """Answer GET and HEAD for the files of the page, and pass everything else on.

    Paths are compared as a whole with those of the files, so that none leads out of the page's folder.
    """

    app: ASGIFramework
    page: Page

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve one ASGI scope."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or scope["path"] not in self.page.files:
            await self.app(scope, receive, send)
            return
        answer = self.page.files[scope["path"]].answer(Wanted.of(scope))
        body = answer.body if scope["method"] == "GET" else b""
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})
