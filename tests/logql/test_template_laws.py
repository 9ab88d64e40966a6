"""What holds for every template: it renders text of bounded size or fails, and reads the labels it names."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.limits import TEMPLATE_BYTES
from logpulse.logql.record import Base, Record
from logpulse.logql.template import compile_template
from logpulse.logql.template_dates import METHODS
from logpulse.logql.template_failure import CallError
from logpulse.logql.template_functions import CALL, ENTRY, SHORT_CIRCUIT, functions
from logpulse.logql.template_parser import FUNCTIONS, parse_template
from logpulse.logql.template_time import GoTime
from logpulse.logql.template_types import GoType, go_type
from tests.logql.rendering import MOMENT, outcome

SIGNATURES = functions(lambda: MOMENT)
LABELS = ("level", "msg", "n", "json")
METHOD_NAMES = sorted({name for methods in METHODS.values() for name in methods} | {"Date", "a", "none"})

LITERALS = st.sampled_from(
    ('""', '"x"', '"%v|%5.2f %[2]*[1]d"', '"é日"', '"(a)|b*"', '"<$1${x}$$>"', '"1h"', '"12KB"', '"0x1p4"', "nil")
) | st.sampled_from(("0", "1", "-1", "3.0", "1.5", "7", "2000000", "1e308", "true", "'a'", "-9223372036854775808"))
READINGS = st.sampled_from(
    (*(f".{name}" for name in LABELS), "$.msg", ".level.x", ".", "$", "__line__", "__timestamp__")
)
TYPED = {
    GoType.STRING: st.sampled_from((".msg", ".json", "__line__", '"a|b"', '"2006-01-02"', '"2026-03-04"', '"$1%v"')),
    GoType.INT: st.sampled_from(("0", "1", "-1", "5", "2000000", "(len .msg)")),
    GoType.FLOAT: st.sampled_from(("1.5", "0", "-2")),
    GoType.TIME: st.sampled_from(("__timestamp__", "now", '(toDate "x" "y")')),
}


def calls(operands: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Call any function, most often with as many arguments of the right types."""

    def call(name: str) -> st.SearchStrategy[str]:
        signature = SIGNATURES.get(name)
        if signature is None:
            return st.lists(operands, max_size=2).map(lambda given: " ".join((name, *given)))
        fitting = st.tuples(*(TYPED.get(each, operands) for each in signature.parameters))
        further = st.lists(operands, max_size=2 if signature.rest is not None else 0)
        fits = st.tuples(fitting, further).map(lambda given: " ".join((name, *given[0], *given[1])))
        return fits | fits | st.lists(operands, max_size=3).map(lambda given: " ".join((name, *given)))

    return st.sampled_from(sorted(FUNCTIONS)).flatmap(call)


def members(operand: str) -> st.SearchStrategy[str]:
    return st.sampled_from(METHOD_NAMES).map(lambda name: f"{operand}.{name}")


OPERANDS = st.recursive(
    LITERALS | READINGS | st.just("__timestamp__").flatmap(members),
    lambda inner: calls(inner).map(lambda call: f"({call})") | calls(inner).flatmap(lambda call: members(f"({call})")),
    max_leaves=6,
)
PIPELINES = st.lists(OPERANDS | calls(OPERANDS), min_size=1, max_size=1).flatmap(
    lambda first: st.lists(calls(OPERANDS), max_size=2).map(lambda rest: " | ".join((*first, *rest)))
)


def blocks(bodies: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    jumps = st.sampled_from(("", "{{break}}", "{{continue}}", "{{if eq . 1}}{{break}}{{end}}"))
    return st.one_of(
        st.tuples(PIPELINES, bodies, bodies).map(
            lambda each: f"{{{{if {each[0]}}}}}{each[1]}{{{{else}}}}{each[2]}{{{{end}}}}"
        ),
        st.tuples(PIPELINES, bodies, bodies).map(
            lambda each: f"{{{{with $x := {each[0]}}}}}{each[1]}{{{{$x}}}}{{{{else}}}}{each[2]}{{{{end}}}}"
        ),
        st.tuples(PIPELINES, bodies, jumps).map(
            lambda each: f"{{{{range $i, $x := {each[0]}}}}}{each[1]}{each[2]}{{{{$x}}}}{{{{end}}}}"
        ),
        st.tuples(PIPELINES, bodies, jumps).map(
            lambda each: f"{{{{range {each[0]}}}}}{each[1]}{each[2]}{{{{.}}}}{{{{else}}}}-{{{{end}}}}"
        ),
        st.tuples(bodies, bodies).map("".join),
    )


TEMPLATES = st.recursive(
    PIPELINES.map(lambda pipeline: f"{{{{{pipeline}}}}}") | st.sampled_from(("text %d", " ", "{{$y := .msg}}{{$y}}")),
    blocks,
    max_leaves=4,
)
TEXTS = st.sampled_from(("", "a", "12", "1.5", "é日本", '{"a":[1,{"b":null}],"c":"x"}', "[3,null]", "2026-03-04", "1h"))
RECORDS = st.builds(
    lambda line, timestamp, labels: Record(timestamp, line, Base(labels)),
    TEXTS,
    st.sampled_from((0, MOMENT, 2**63 - 1)),
    st.dictionaries(st.sampled_from((*LABELS, "other", "__error__")), TEXTS),
)


def test_every_function_is_there() -> None:
    assert set(SIGNATURES) | ENTRY | SHORT_CIRCUIT | {CALL} == FUNCTIONS


@given(TEMPLATES, RECORDS)
def test_a_line_is_rendered_or_fails_alone(text: str, record: Record) -> None:
    rendered, _ = outcome(compile_template(text, now=lambda: MOMENT), record)
    assert len(rendered.encode()) <= TEMPLATE_BYTES


@given(TEMPLATES, RECORDS)
def test_only_the_labels_it_names_are_read(text: str, record: Record) -> None:
    template = compile_template(text, now=lambda: MOMENT)
    if template.fields is None:
        return
    few = {name: value for name, value in record.labels.items() if name in template.fields}
    assert outcome(template, Record(record.timestamp, record.line, Base(few))) == outcome(template, record)


@given(TEMPLATES, RECORDS)
def test_it_gives_the_same_again(text: str, record: Record) -> None:
    template = compile_template(text, now=lambda: MOMENT)
    assert outcome(template, record) == outcome(template, record)


@pytest.mark.parametrize("name", sorted(SIGNATURES))
def test_a_signature_says_what_its_function_gives(name: str) -> None:
    """A type that is known before a template runs spares it the look at the value, so it has to be right."""
    samples: dict[GoType, tuple[object, ...]] = {
        GoType.STRING: ("", "a", "2", "1h", "é"),
        GoType.INT: (0, 2, -1),
        GoType.FLOAT: (0.5, 2.0),
        GoType.TIME: (GoTime(MOMENT),),
        GoType.ANY: (None, 1, 2.5, "3", [1]),
        GoType.VALUE: (1, "a"),
    }
    signature = SIGNATURES[name]
    given = [samples[each] for each in (*signature.parameters, *(() if signature.rest is None else (signature.rest,)))]
    for number in range(5):
        try:
            value = signature.call(*(each[number % len(each)] for each in given))
        except CallError:
            continue
        assert signature.result in (None, go_type(value))


def test_offsets_point_at_what_is_written() -> None:
    template = 'a {{ .b.c | printf "%s" $.d }}{{if eq .x 1}}{{end}}'
    found = []
    waiting: list[object] = [parse_template(template)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple):
            waiting.extend(node)
        elif attrs.has(node.__class__):
            offset = getattr(node, "offset", None)
            if offset is not None:
                found.append((type(node).__name__, template[offset:].split()[0]))
            waiting.extend(getattr(node, field.name) for field in attrs.fields(node.__class__))
    assert {("Field", ".c"), ("Function", "printf"), ("Constant", '"%s"'), ("Variable", ".d"), ("Command", "eq")} <= {
        (kind, text.rstrip("}")) for kind, text in found
    }
