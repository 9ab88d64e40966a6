"""The parser `| regexp`: groups become labels where the expression matches."""

from __future__ import annotations

import pytest

from tests.logql.stages.running import kept, parsed


@pytest.mark.parametrize(
    ("expression", "line", "labels"),
    [
        (r"(?P<method>\w+) (?P<path>\S+)", "x GET /é", {"method": "x", "path": "GET"}),
        (r"(?<a>\d+)", "é12 34", {"a": "12"}),
        (r"^(?P<a>x)?(?P<b>\S+)", "y", {"a": "", "b": "y"}),
        (r"(?P<a>)", "", {"a": ""}),
        (r"(?P<a>.+)", "one\ntwo", {"a": "one"}),
        (r"(?P<a>é+)(?P<b>😀)", "aéé😀", {"a": "éé", "b": "😀"}),
        (r"(\d)(?P<a>\d)(?:\d)(?P<b>\d)", "1234", {"a": "2", "b": "4"}),
        (r"(?P<app>\d)", "1", {"app_extracted": "1"}),
        (r"(?P<a>\d)", "no digit", {}),
    ],
)
def test_labels(expression: str, line: str, labels: dict[str, str]) -> None:
    ran = kept(f"| regexp `{expression}`", line)
    assert (parsed(ran), ran.error, ran.line) == (labels, "", line)


def test_what_was_found_first_stays() -> None:
    assert parsed(kept("| regexp `(?P<a>.)` | regexp `.(?P<a>.)(?P<b>.)`", "123")) == {"a": "1", "b": "3"}
