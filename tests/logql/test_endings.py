"""What may end a log query: `dedup` and `context`, and that neither takes a name from any query of Loki's."""

from __future__ import annotations

import pytest

from logpulse.errors import LimitExceededError, QuerySyntaxError
from logpulse.limits import CONTEXT_ENTRIES
from logpulse.logql.ast import (
    Context,
    Dedup,
    DropLabels,
    Grouping,
    GroupingMode,
    KeepLabels,
    LabelFilter,
    LabelFormat,
    LabelRename,
    LineFilter,
    LineFilterOperator,
    LogQuery,
    NumberComparison,
    RangeAggregation,
    TextComparison,
    TextOperand,
    Unwrap,
    VectorAggregation,
)
from logpulse.logql.parser import parse, parse_log_query
from logpulse.model.matcher import Matcher, MatchOperator

from .test_parser_errors import refusal, refusal_at_marks

BOUNDS_HINT = "say how many entries: `| context before=2 after=2`"
KEYS_HINT = "whole lines are compared by `| dedup`, labels by `| dedup by (a, b)`"
CONTAINS = LineFilter(LineFilterOperator.CONTAINS, (TextOperand("x"),))


@pytest.mark.parametrize(
    ("text", "dedup", "context"),
    [
        ("| dedup", Dedup(), None),
        ("| DeDup", Dedup(), None),
        ("|\n dedup # why\n", Dedup(), None),
        ("| dedup by (app)", Dedup(("app",)), None),
        ("| dedup BY (a, dedup, context, a)", Dedup(("a", "dedup", "context", "a")), None),
        ("| context before=2", None, Context(2, 0)),
        ("| context after=2", None, Context(0, 2)),
        ("| context before=0 after=007", None, Context(0, 7)),
        ("| CONTEXT after=100 before=100", None, Context(100, 100)),
        ("| dedup | context before=1", Dedup(), Context(1, 0)),
        ("| dedup by (a) | context before=1 after=2", Dedup(("a",)), Context(1, 2)),
    ],
)
def test_endings(text: str, dedup: Dedup | None, context: Context | None) -> None:
    for written in (f'{{app="x"}} |= "x" {text}', f'( {{app="x"}} |= "x" {text} )'):
        query = parse_log_query(written)
        assert (query.stages, query.dedup, query.context) == ((CONTAINS,), dedup, context)
        assert parse(str(query)) == query
    assert parse_log_query('{app="x"}').is_selector
    assert not parse_log_query(f'{{app="x"}} {text}').is_selector


@pytest.mark.parametrize("name", ["dedup", "context", "Context", "DEDUP"])
def test_both_words_still_name_labels(name: str) -> None:
    def stages(text: str) -> tuple[object, ...]:
        query = parse_log_query(f'{{app="x"}} {text.replace("@", name)}')
        assert (query.dedup, query.context) == (None, None)
        return query.stages

    matcher = Matcher(name, MatchOperator.NOT_EQUAL, "y")
    assert stages('| @ != "y"') == (LabelFilter(TextComparison(matcher)),)
    assert stages('| @ !~ "y"') == (LabelFilter(TextComparison(Matcher(name, MatchOperator.NOT_REGEX, "y"))),)
    for operator, symbol in ((MatchOperator.EQUAL, "="), (MatchOperator.REGEX, "=~")):
        assert stages(f'| @ {symbol} "y"') == (LabelFilter(TextComparison(Matcher(name, operator, "y"))),)
    (stage,) = stages("| @ >= 5 or a > 1 and @ < 2")
    assert isinstance(stage, LabelFilter)
    assert isinstance(stages("| @ = 5")[0], LabelFilter)
    assert stages("| drop a, @") == (DropLabels(("a", name)),)
    assert stages('| keep @ != "y"') == (KeepLabels((matcher,)),)
    assert stages("| label_format a=@") == (LabelFormat((LabelRename("a", name),)),)
    assert str(stages("| json @, a=`@`")[0]) == f'| json {name}="{name}",a="{name}"'
    assert parse_log_query(f'{{{name}!="y", a="b"}}').selector.matchers[0] == matcher


def test_both_words_still_name_labels_of_metric_queries() -> None:
    query = parse('sum by (dedup, context) (sum_over_time({app="x"} | unwrap duration(context) | dedup > 1 [5m]))')
    assert isinstance(query, VectorAggregation)
    assert query.grouping == Grouping(GroupingMode.BY, ("dedup", "context"))
    assert isinstance(query.operand, RangeAggregation)
    unwrap, stage = query.operand.log_range.stages
    assert isinstance(unwrap, Unwrap)
    assert unwrap.label == "context"
    assert isinstance(stage, LabelFilter)
    assert isinstance(stage.condition, NumberComparison)


@pytest.mark.parametrize(
    ("marked", "reason", "hint"),
    [
        ('{app="x"} | dedup | «dedup» by (a)', "`dedup` stands twice", "name all labels in one: `| dedup by (a, b)`"),
        ('{app="x"} | context after=1 | «context» after=1', "`context` stands twice", ""),
        (
            '{app="x"} | context after=1 | «dedup»',
            "`dedup` stands before `context`",
            "write `| dedup | context …`",
        ),
        (
            '{app="x"} | dedup | «json»',
            "no stage may follow `dedup`, which works on the answer",
            "put it before `| dedup`",
        ),
        (
            '{app="x"} | dedup «|=» "a"',
            "no stage may follow `dedup`, which works on the answer",
            "put it before `| dedup`",
        ),
        (
            '{app="x"} | dedup | context after=1 | «a»="b"',
            "no stage may follow `context`, which works on the answer",
            "put it before `| context`",
        ),
        ('{app="x"} | «dedup» by ()', "`dedup by` needs a label", "to compare whole lines write `| dedup`"),
        (
            '{app="x"} | «context»',
            "`context` needs a positive `before` or `after`",
            BOUNDS_HINT,
        ),
        (
            '{app="x"} | «context» before=0 after=0',
            "`context` needs a positive `before` or `after`",
            BOUNDS_HINT,
        ),
        ('{app="x"} | context «around»=3', "`context` has no `around`", "it has `before` and `after`"),
        ('{app="x"} | context before=1 «before»=2', "`context` has `before` twice", ""),
        (
            '{app="x"} | context before=«1.5»',
            "`before` needs a whole number of entries",
            BOUNDS_HINT,
        ),
        (
            'count_over_time({app="x"} | «dedup» [5m])',
            "`dedup` works on the entries of an answer, and a metric query has none",
            "remove `| dedup`",
        ),
        (
            'sum(rate({app="x"}[5m] | «context» before=1))',
            "`context` works on the entries of an answer, and a metric query has none",
            "remove `| context`",
        ),
        ('{app="x"} | context «5»', "unexpected `5`", BOUNDS_HINT),
        ('{app="x"} | context before=«5m»', "unexpected `5m`", BOUNDS_HINT),
        (
            '{app="x"} | context before=2«,» after=2',
            "unexpected `,`",
            BOUNDS_HINT,
        ),
        (
            '{app="x"} | context before=«»',
            "unexpected end of the query",
            BOUNDS_HINT,
        ),
        (
            '{app="x"} | dedup «(»a)',
            "unexpected `(`",
            KEYS_HINT,
        ),
        (
            '{app="x"} | dedup by «a»',
            "unexpected name `a`",
            KEYS_HINT,
        ),
        ('{app="x"} | dedupp«»', "unexpected end of the query", "did you mean `dedup`?"),
        ('{app="x"} «dedup»', "unexpected name `dedup`", 'to search the line write `|= "…"`'),
    ],
)
def test_refusals(marked: str, reason: str, hint: str) -> None:
    error = refusal_at_marks(marked)
    assert (error.reason, error.hint) == (reason, hint)


def test_text_that_looks_like_bounds_without_end_is_read_at_once() -> None:
    blanks = " before=" + " " * 15
    assert refusal('{app="x"} |= "| context' + blanks * 7 + '" x').hint == 'to search the line write `|= "…"`'


@pytest.mark.parametrize("number", ["101", "00101", "9" * 5000])
@pytest.mark.parametrize("side", ["before", "after"])
def test_context_is_bounded(side: str, number: str) -> None:
    reason = rf"`{side}` of `context` is limited to {CONTEXT_ENTRIES}, got .*; to read more"
    with pytest.raises(LimitExceededError, match=reason):
        parse(f'{{app="x"}} | context {side}={number}')


def test_a_selector_is_still_closed_by_hint() -> None:
    assert refusal('{app="x",').hint == "something is missing after the comma"


def test_endings_are_no_part_of_the_pipeline() -> None:
    query = parse('{app="x"} | dedup by (a) | context after=3')
    assert query == LogQuery(parse_log_query('{app="x"}').selector, (), Dedup(("a",)), Context(0, 3))
    assert str(query) == '{app="x"} | dedup by (a) | context after=3'


def test_a_bare_stage_name_is_advised_as_before() -> None:
    with pytest.raises(QuerySyntaxError, match="expected a comparison such as"):
        parse('{app="x"} | foo')
