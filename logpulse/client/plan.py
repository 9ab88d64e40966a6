"""The plan of a query as a tree for a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import attrs
import msgspec

from logpulse.client.escape import escape
from logpulse.client.failure import UnexpectedAnswerError
from logpulse.client.figures import format_count
from logpulse.client.render import Format, json_lines_for
from logpulse.client.terminal import Palette, Surface, palette_of
from logpulse.client.wire import Plan, SelectorPlan
from logpulse.units import format_byte_size


@attrs.frozen
class Branch:
    """Hold a line of a tree and what hangs below it; `text` may hold colours."""

    text: str
    below: Sequence[Branch] = ()

    def lines(self) -> Iterator[str]:
        """Draw the tree, without a line break after any line."""
        yield self.text
        for number, branch in enumerate(self.below, 1):
            first, further = ("└─ ", "   ") if number == len(self.below) else ("├─ ", "│  ")
            for place, line in enumerate(branch.lines()):
                yield f"{further if place else first}{line}"


def plan_renderer_for(output: Format, surface: Surface) -> Callable[[msgspec.Raw], bytes]:
    """Choose how to show what `/explain` answered: as a tree, or unchanged on one line."""
    if output is Format.TEXT:
        return partial(draw_plan, palette=palette_of(surface))
    renderer = json_lines_for(surface)
    return lambda document: renderer.entries([document])


def draw_plan(document: msgspec.Raw, palette: Palette) -> bytes:
    """Draw what `/explain` answered: the query, and below it each selector with what it reads, and who decides what.

    Raises:
        UnexpectedAnswerError: it is no plan.
    """
    try:
        plan = msgspec.json.decode(document, type=Plan)
    except msgspec.DecodeError as error:
        raise UnexpectedAnswerError("the server", f"sent a plan that cannot be read: {error}") from error
    parts = [_selector(each, palette) for each in plan.selectors]
    if plan.endings:
        parts.append(_list("of what is found", plan.endings, palette))
    tree = Branch(f"{escape(plan.query)}  {palette.paint(palette.label, f'({escape(plan.kind)} query)')}", parts)
    return "".join(f"{line}\n" for line in tree.lines()).encode("utf-8", "replace")


def _selector(plan: SelectorPlan, palette: Palette) -> Branch:
    streams, segments = format_count(plan.streams, "stream"), format_count(plan.segments, "segment")
    head, size = format_count(plan.head_rows, "entry", "entries"), format_byte_size(plan.text_bytes)
    reads = f"{streams}, {plan.segments_in_time:,} of {segments} in time with {size} of text, {head} in memory"
    parts = [Branch(_titled("reads", reads, palette)), Branch(_titled("mode", plan.mode, palette))]
    stages = (("SQL decides", plan.pushed_down), ("exactly, row by row", plan.exact))
    parts += [_list(title, texts, palette) for title, texts in stages if texts]
    return Branch(escape(plan.selector), parts)


def _list(title: str, texts: Sequence[str], palette: Palette) -> Branch:
    return Branch(palette.paint(palette.label, title), [Branch(escape(text)) for text in texts])


def _titled(title: str, text: str, palette: Palette) -> str:
    return f"{palette.paint(palette.label, f'{title:5}')} {escape(text)}"
