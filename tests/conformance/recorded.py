"""The recordings: the data that the requests were made over, the requests, and the answers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

import httpx
import msgspec

_FOLDER: Final = Path(__file__).parent

DIFFERENCES: Final = {
    "line_filter-030": (
        "Loki turns such a filter into a comparison of lower-cased text, where a final ς differs; "
        "RE2, which defines LogQL's regular expressions, folds it"
    ),
}
"""The cases that LogPulse answers otherwise, each with its reason, as docs/conformance.md lists them."""


class Stream(msgspec.Struct, frozen=True):
    """The labels and entries of a stream; an entry is a time in unix nanoseconds, a line, and metadata if it has any.

    Where a stream occurs twice, the second part was pushed after the first.
    """

    labels: dict[str, str]
    entries: list[tuple[str | dict[str, str], ...]]


class Boundary(msgspec.Struct, frozen=True):
    """The entries that tie at the end of a truncated answer: at time `ts`, any of `candidates` may be in it."""

    ts: str
    candidates: list[tuple[dict[str, str], tuple[str | dict[str, dict[str, str]], ...]]]


class Options(msgspec.Struct, frozen=True):
    """Particulars of a comparison: whether the order of a vector counts."""

    ordered: bool = False


class Case(msgspec.Struct, frozen=True):
    """One request and what Loki answered; `params` go into the URL of a GET and into the form of a POST."""

    id: str
    group: str
    method: str
    path: str
    params: dict[str, str | list[str]]
    status: int
    body: msgspec.Raw
    headers: dict[str, str] = {}
    url_params: dict[str, str] = {}
    compare: Options = Options()
    boundary: Boundary | None = None

    def request(self, client: httpx.Client) -> httpx.Request:
        """Write the request down again, for the server that `client` talks to."""
        given = httpx.QueryParams(self.params)
        if self.method == "GET":
            return client.build_request("GET", self.path, params=given, headers=self.headers)
        headers = {"Content-Type": "application/x-www-form-urlencoded", **self.headers}
        return client.build_request(self.method, self.path, params=self.url_params, content=str(given), headers=headers)

    @property
    def is_forward(self) -> bool:
        """Whether the oldest entries were asked for first."""
        asked = self.params.get("direction") or self.url_params.get("direction") or "backward"
        return str(asked).lower() == "forward"


@cache
def cases() -> Sequence[Case]:
    """Read every case."""
    return msgspec.json.Decoder(Case).decode_lines((_FOLDER / "cases.jsonl").read_bytes())


def dataset() -> Sequence[Stream]:
    """Read the data, in the order in which it was pushed."""
    return msgspec.json.Decoder(Stream).decode_lines((_FOLDER / "dataset.jsonl").read_bytes())
