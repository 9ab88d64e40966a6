"""Plans as trees."""

from __future__ import annotations

import json

import msgspec
import pytest

from logpulse.client.failure import UnexpectedAnswerError
from logpulse.client.plan import Branch, draw_plan, plan_renderer_for
from logpulse.client.render import Format
from logpulse.client.terminal import COLORS, PLAIN, Surface


def raw(document: object) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(document).encode())


def test_branches() -> None:
    tree = Branch("a", [Branch("b", [Branch("c"), Branch("d")]), Branch("e", [Branch("f")])])
    assert list(tree.lines()) == ["a", "├─ b", "│  ├─ c", "│  └─ d", "└─ e", "   └─ f"]


def test_a_plan_without_selectors_is_its_query() -> None:
    assert draw_plan(raw({"query": "1 + 1", "kind": "metric"}), PLAIN) == b"1 + 1  (metric query)\n"


def test_what_chooses_among_the_entries_stands_last() -> None:
    endings = ["| dedup", "| context after=1"]
    plan = {"query": "q", "kind": "logs", "selectors": [{"selector": "{}"}], "endings": endings}
    assert (
        draw_plan(raw(plan), PLAIN)
        .decode()
        .endswith("│  └─ mode  \n└─ of what is found\n   ├─ | dedup\n   └─ | context after=1\n")
    )


def test_nothing_of_a_plan_is_obeyed_by_a_terminal() -> None:
    evil = "\x1b[2J\x9b\n"
    plan = {
        "query": evil,
        "kind": evil,
        "selectors": [{"selector": evil, "mode": evil, "pushedDown": [evil], "exact": [evil]}],
        "endings": [evil],
    }
    shown = draw_plan(raw(plan), COLORS).decode()
    assert "\x1b[2J" not in shown
    assert "\x9b" not in shown
    assert len(shown.splitlines()) == 10
    assert "\x9b" not in plan_renderer_for(Format.JSONL, Surface.COLOR_TERMINAL)(raw(plan)).decode()
    assert "\x1b" not in plan_renderer_for(Format.TEXT, Surface.PIPE)(raw(plan)).decode()


def test_what_is_no_plan_is_the_servers_fault() -> None:
    with pytest.raises(UnexpectedAnswerError, match="plan"):
        draw_plan(raw({"selectors": []}), PLAIN)
