"""A file that is there when it is complete, and under another name until then."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from logpulse.client.failure import OutputFileError


class OutputFile:
    """Write FILE.part and rename it to FILE when the block ends well; gzip it if FILE ends with `.gz`.

    When the block fails, what was written stays in FILE.part, readable up to its end; an empty one is removed. An older
    FILE stays as it is until it is replaced.

    Raises:
        OutputFileError: on entering, writing and leaving: the operating system refuses, or FILE is no regular file.
    """

    def __init__(self, path: Path) -> None:
        # A link is kept: it is what it points to that is written.
        self._path = Path(os.path.realpath(path))
        self._part = Path(f"{self._path}.part")
        self._written = 0
        self._file: IO[bytes] | None = None
        self._text: IO[bytes] | gzip.GzipFile | None = None

    def __enter__(self) -> Self:
        with self._errors_told():
            if self._path.exists() and not self._path.is_file():
                raise OutputFileError(self._path, "it is no regular file")
            self._file = self._part.open("wb")
        # Without a name and a time in it, equal entries make equal files.
        gzipped = self._path.suffix == ".gz"
        self._text = gzip.GzipFile("", "wb", 6, self._file, mtime=0) if gzipped else self._file
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._errors_told():
            try:
                self._close()
            except OSError:
                if kind is None:
                    raise  # else the first error is the one to tell
            if kind is None:
                self._part.replace(self._path)
            elif not self._written:
                self._part.unlink(missing_ok=True)

    @property
    def remains(self) -> Path | None:
        """Where the part lies that was written before a failure; None if nothing was."""
        return self._part if self._written else None

    def write(self, data: bytes) -> None:
        """Append bytes."""
        if self._text is None:
            raise AssertionError("a file is written inside its block")
        with self._errors_told():
            self._text.write(data)
        self._written += len(data)

    def _close(self) -> None:
        if self._file is None:
            return
        with self._file:
            if self._text is not None and self._text is not self._file:
                self._text.close()
            self._file.flush()
            os.fsync(self._file.fileno())

    @contextmanager
    def _errors_told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputFileError(self._path, error.strerror or str(error)) from error
