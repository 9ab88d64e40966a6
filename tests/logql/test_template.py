"""Templates as a whole: values, blocks, variables, failures, what they read, and their bounds."""

from __future__ import annotations

import pytest

from logpulse.limits import TEMPLATE_BYTES, TEMPLATE_MATCHES, TEMPLATE_STEPS, TEMPLATE_UNTIMED_CALLS
from logpulse.logql import template as template_module
from logpulse.logql.record import Base, Origin, Record
from logpulse.logql.template import compile_template
from logpulse.logql.template_failure import RenderError
from logpulse.logql.template_lexer import TemplateError
from tests.logql.rendering import entry, outcome, render

JSON = '{"user":{"name":"ada","geo":null},"tags":["a","b"],"n":3,"z":1,"a":2}'


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("", ""),
        ("plain 100% %s", "plain 100% %s"),
        ("{{.a}}", "A"),
        ("{{.a}}{{.b}}", "AB"),
        ("<{{.a}}|{{.b}}|{{.missing}}>", "<A|B|>"),
        ("{{.a}}%{{.b}}%{{.a}}%{{.b}}%d", "A%B%A%B%d"),
        ("{{.a}}" * 20, "A" * 20),
        ("{{__line__}} {{.a}}", f"{JSON} A"),
        ("{{$.a}}", "A"),
        ("{{.}}", "map[a:A b:B]"),
        ("{{$}}", "map[a:A b:B]"),
        ('{{printf "%T" .}}', "map[string]string"),
        ("{{`raw`}} {{1}} {{1.50}} {{true}} {{'a'}} {{0x10}}", "raw 1 1.5 true 97 16"),
        ("{{(.a)}}", "A"),
        (
            "{{fromJson `null`}} {{(fromJson __line__).user.geo}} {{(fromJson __line__).none}}",
            "<no value> <no value> <no value>",
        ),
        ("{{print (fromJson `null`)}} {{(fromJson __line__).user}}", "<nil> map[geo:<nil> name:ada]"),
        ("{{(fromJson `bad`).a.b.c}}", "<no value>"),
        ('{{.a | printf "%s-%s" "x"}}', "x-A"),
    ],
)
def test_values(template: str, text: str) -> None:
    assert render(template, JSON, a="A", b="B") == text


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{if .a}}yes{{else}}no{{end}}", "yes"),
        ("{{if .none}}yes{{else}}no{{end}}", "no"),
        ("{{if .none}}yes{{end}}", ""),
        ("{{if .none}}1{{else if .a}}2{{else}}3{{end}}", "2"),
        ("{{if 0}}1{{end}}{{if 0.0}}2{{end}}{{if false}}3{{end}}{{if ``}}4{{end}}{{if fromJson `[]`}}5{{end}}", ""),
        (
            "{{if fromJson `{}`}}6{{end}}{{if fromJson `null`}}7{{end}}{{if __timestamp__}}8{{end}}{{if .}}9{{end}}",
            "89",
        ),
        ("{{with .a}}<{{.}}>{{end}}", "<A>"),
        ("{{with .none}}{{.}}{{else}}none{{end}}", "none"),
        ("{{with .none}}1{{else with .a}}{{.}}{{end}}", "A"),
        ("{{with .a}}{{$.b}}{{end}}", "B"),
        ("{{with $x := .a}}{{$x}}{{.}}{{end}}", "AA"),
        ("{{with fromJson __line__}}{{.user.name}}{{end}}", "ada"),
        ("{{with .a}}{{with $.b}}{{.}}{{end}}{{.}}{{end}}{{.a}}", "BAA"),
        ("{{$x := 1}}{{if .a}}{{$x = 2}}{{end}}{{$x}}", "2"),
        ("{{$x := 1}}{{if .a}}{{$x := 2}}{{$x}}{{end}}{{$x}}", "21"),
        ("{{$x := fromJson __line__}}{{$x.user.name}}{{$x.nothing}}", "ada<no value>"),
        ("{{range fromJson `[1,2]`}}<{{.}}>{{end}}", "<1><2>"),
        ("{{range $x := fromJson `[1,2]`}}<{{$x}}>{{end}}", "<1><2>"),
        ("{{range $i, $x := fromJson `[7,8]`}}{{$i}}={{$x}} {{end}}", "0=7 1=8 "),
        ("{{range $k, $v := (fromJson __line__)}}{{$k}} {{end}}", "a n tags user z "),
        ("{{range $k, $v := .}}{{$k}}{{$v}} {{end}}", "aA bB "),
        ("{{range fromJson `[]`}}x{{else}}empty{{end}}", "empty"),
        ("{{range fromJson `null`}}x{{else}}empty{{end}}", "empty"),
        ("{{range 3}}{{.}}{{end}}", "012"),
        ("{{range $i := 2}}{{$i}}{{.}} {{end}}", "00 11 "),
        ('{{range add 1 1}}{{printf "%T" .}} {{end}}', "int64 int64 "),
        ("{{range 0}}x{{else}}none{{end}}{{range -1}}x{{end}}", "none"),
        ("{{range $i, $x := fromJson `[1,2,3,4]`}}{{if eq $i 2}}{{break}}{{end}}{{$x}}{{end}}.", "12."),
        (
            "{{range $i, $x := fromJson `[1,2,3,4]`}}{{if eq $i 1}}-{{continue}}x{{else}}+{{end}}{{$x}}{{end}}",
            "+1-+3+4",
        ),
        ("{{range 3}}a{{with .}}{{if eq . 1}}b{{break}}{{end}}{{end}}c{{end}}", "acab"),
        ("{{range 2}}{{range 5}}{{if eq . 2}}{{break}}{{end}}{{.}}{{end}};{{end}}", "01;01;"),
        ("{{range 2}}{{continue}}x{{end}}", ""),
        ("{{$s := ``}}{{range fromJson `[1,2]`}}{{$s = print $s .}}{{end}}{{$s}}", "12"),
        ("{{$i := 0}}{{$x := 0}}{{range $i, $x = fromJson `[5,6]`}}{{end}}{{$i}}{{$x}}", "16"),
        ("{{range $x := fromJson `[1]`}}{{range $x := fromJson `[2]`}}{{$x}}{{end}}{{$x}}{{end}}", "21"),
        ("{{range fromJson `[null]`}}{{.}}{{end}}", "<no value>"),
    ],
)
def test_blocks_and_variables(template: str, text: str) -> None:
    assert render(template, JSON, a="A", b="B") == text


@pytest.mark.parametrize(
    ("template", "details"),
    [
        ("{{.a.b}}", 'line:1:4: executing "line" at <.a.b>: can\'t evaluate field b in type string'),
        ("x\n\n  {{ .a.b.c }}", 'line:3:7: executing "line" at <.a.b.c>: can\'t evaluate field b in type string'),
        (
            "é {{div 1 0}}",
            'line:1:5: executing "line" at <div 1 0>: error calling div: runtime error: integer divide by zero',
        ),
        (
            "{{(fromJson `{}`).a.b}}",
            'line:1:17: executing "line" at <(fromJson `{}`).a.b>: nil pointer evaluating interface {}.b',
        ),
        (
            '{{(fromJson `{"a":"x"}`).a.b}}',
            'line:1:24: executing "line" at <(fromJson `{"a":"x"}`).a.b>: can\'t evaluate field b in type interface {}',
        ),
        ('{{.a | trunc "x"}}', 'line:1:13: executing "line" at <"x">: expected integer; found "x"'),
        (
            "{{.a | trunc (add 1 2)}}",
            'line:1:20: executing "line" at <2>: wrong type for value; expected int; got int64',
        ),
        ("{{trunc 1 2}}", 'line:1:10: executing "line" at <2>: expected string; found 2'),
        ("{{1 | upper}}", 'line:1:6: executing "line" at <upper>: wrong type for value; expected string; got int'),
        ("{{upper}}", 'line:1:2: executing "line" at <upper>: wrong number of args for upper: want 1 got 0'),
        ("{{.a | upper .b}}", 'line:1:7: executing "line" at <upper>: wrong number of args for upper: want 1 got 2'),
        (
            "{{printf}}",
            'line:1:2: executing "line" at <printf>: wrong number of args for printf: want at least 1 got 0',
        ),
        ("{{and}}", 'line:1:2: executing "line" at <and>: wrong number of args for and: want at least 1 got 0'),
        ("{{__line__ 1}}", 'line:1:2: executing "line" at <__line__>: wrong number of args for __line__: want 0 got 1'),
        ("{{.a .b}}", 'line:1:2: executing "line" at <.a>: a is not a method but has arguments'),
        ("{{.b | .a}}", 'line:1:7: executing "line" at <.a>: a is not a method but has arguments'),
        ("{{$x := 1}}{{.a | $x}}", 'line:1:18: executing "line" at <$x>: can\'t give argument to non-function $x'),
        ("{{1 2}}", 'line:1:2: executing "line" at <1>: can\'t give argument to non-function 1'),
        ("{{nil}}", 'line:1:2: executing "line" at <nil>: nil is not a command'),
        ("{{upper nil}}", 'line:1:8: executing "line" at <nil>: cannot assign nil to string'),
        ("{{upper (fromJson `null`)}}", 'line:1:18: executing "line" at <`null`>: invalid value; expected string'),
        ("{{range true}}{{end}}", 'line:1:8: executing "line" at <true>: range can\'t iterate over true'),
        (
            "{{range $i, $x := 3}}{{end}}",
            'line:1:18: executing "line" at <3>: can\'t use 3 to iterate over more than one variable',
        ),
        ("{{call .a}}", 'line:1:2: executing "line" at <call .a>: error calling call: non-function .a of type string'),
        ("{{.a | call}}", 'line:1:7: executing "line" at <call>: error calling call: non-function A of type string'),
        (
            "{{call (fromJson `null`)}}",
            'line:1:2: executing "line" at <call (fromJson `null`)>: error calling call: call of nil',
        ),
    ],
)
def test_failures_say_where_and_why(template: str, details: str) -> None:
    with pytest.raises(RenderError) as caught:
        render(template, a="A", b="B")
    assert caught.value.details == f"template: {details}"
    assert str(caught.value) == caught.value.details


def test_a_failure_of_a_label_names_it() -> None:
    with pytest.raises(RenderError, match=r'^template: label:1:4: executing "label"'):
        compile_template("{{.a.b}}", "label").render(entry())


def test_what_is_malformed_does_not_compile() -> None:
    with pytest.raises(TemplateError):
        compile_template("{{.a")


def test_the_errors_of_stages_are_no_labels_of_templates() -> None:
    record = Record(0, "", Base({"a": "A"}, {}))
    record.fail("JSONParserErr", "details")
    template = compile_template("[{{.__error__}}{{.__error_details__}}{{$.__error__}}{{.}}]")
    assert template.render(record) == "[map[a:A]]"


def test_rendering_changes_nothing() -> None:
    record = Record(7, "line", Base({"a": "A"}, {"a": Origin.PARSED}))
    compile_template("{{$x := .a}}{{$x = upper $x}}{{.}}{{range .}}{{.}}{{end}}").render(record)
    assert (record.timestamp, record.line, dict(record.labels)) == (7, "line", {"a": "A"})


@pytest.mark.parametrize(
    ("template", "fields"),
    [
        ("text", set()),
        ("{{__line__}} {{__timestamp__}}", set()),
        ("{{.a}} {{$.b}} {{.c.d}}", {"a", "b", "c"}),
        ("{{if .a}}{{.b}}{{else}}{{.c}}{{end}}", {"a", "b", "c"}),
        ("{{with .a}}{{.b}}{{$.c}}{{else}}{{.d}}{{end}}", {"a", "c", "d"}),
        ("{{range fromJson .a}}{{.b}}{{end}}", {"a"}),
        ("{{$x := .a}}{{$x.y}}", {"a"}),
        ('{{.a | default .b | printf "%s" (upper .c)}}', {"a", "b", "c"}),
        ("{{.}}", None),
        ("{{.a}}{{$}}", None),
        ('{{index . "a"}}', None),
        ("{{range .}}{{end}}", None),
        ("{{with .a}}{{.}}{{end}}", {"a"}),
    ],
)
def test_what_a_template_reads(template: str, fields: set[str] | None) -> None:
    assert compile_template(template).fields == fields


@pytest.mark.parametrize(
    "template",
    [
        '{{repeat 1000000000 "x"}}',
        '{{repeat 9223372036854775807 "é"}}',
        "{{indent 2000000 .a}}",
        "{{alignLeft 2000000 .a}}",
        "{{alignRight 2000000 .a}}",
        '{{printf "%1000000d%1000000d" 1 2}}',
        '{{printf "%*d" 1000000 1}}{{repeat 1000000 "x"}}',
        '{{$x := repeat 1000 "a"}}{{$x | replace "a" $x | replace "a" $x}}',
        '{{$x := repeat 1000 "a"}}{{regexReplaceAll "a" $x (repeat 2000 "b")}}',
        "{{$x := repeat 1000000 `<`}}{{html $x}}",
        "{{$x := repeat 1000000 `<`}}{{js $x}}",
        "{{$x := repeat 1000000 `<`}}{{urlencode $x}}",
        "{{$x := repeat 1000000 `<`}}{{b64enc $x}}",
        "{{$x := repeat 1000000 `<`}}{{print $x $x}}",
        "{{$x := repeat 1000000 `<`}}{{printf `%s%[1]s` $x}}",
        "{{$x := repeat 1000000 `<`}}{{$x}}{{$x}}",
        "{{$x := repeat 1000000 `<`}}" + "{{$x}}" * 100,
        "{{$x := repeat 1000000 `<`}}{{range 100}}{{$x}}{{end}}",
        "{{$x := repeat 300000 `é`}}{{$x}}{{$x}}",
    ],
)
def test_a_text_is_bounded(template: str) -> None:
    with pytest.raises(RenderError, match=f"limited to {TEMPLATE_BYTES}, got "):
        render(template, a="x")


@pytest.mark.parametrize("template", ['{{count "a" $x}}', '{{regexReplaceAll "a" $x ""}}'])
def test_matches_are_bounded(template: str) -> None:
    with pytest.raises(RenderError, match=f"limited to {TEMPLATE_MATCHES}, got "):
        render(f'{{{{$x := repeat {TEMPLATE_MATCHES + 1} "a"}}}}{template}')


def test_a_text_of_the_largest_size_is_rendered() -> None:
    assert len(render(f'{{{{repeat {TEMPLATE_BYTES} "x"}}}}')) == TEMPLATE_BYTES


@pytest.mark.parametrize(
    "template",
    ["{{range 1000000000000}}{{end}}", "{{range 200}}{{range 200}}{{if .}}{{continue}}{{end}}{{end}}{{end}}"],
)
def test_rounds_are_bounded(template: str) -> None:
    with pytest.raises(RenderError, match=f"limited to {TEMPLATE_STEPS}, got "):
        render(template)


def test_as_many_rounds_as_may_be() -> None:
    assert render(f"{{{{range {TEMPLATE_STEPS}}}}}.{{{{end}}}}") == "." * TEMPLATE_STEPS


@pytest.mark.parametrize("template", ["{{range 3}}{{end}}", "{{upper .a}}" * (TEMPLATE_UNTIMED_CALLS + 1)])
def test_the_time_for_a_line_is_bounded(template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_module, "TEMPLATE_SECONDS", -1)
    with pytest.raises(RenderError, match="the time for one line is limited to"):
        render(template, a="x")


def test_values_that_nest_deeply_fail_their_line_alone() -> None:
    for depth in (100, 500, 900, 5_000):
        line = "[" * depth + "]" * depth
        text, details = outcome(compile_template("{{fromJson __line__}}"), entry(line))
        assert text in (line, "<no value>")  # Go's own bound is 10000, beyond which it is no JSON
        assert details in (None, "template: line: a value nests too deeply")
