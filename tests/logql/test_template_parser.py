"""Templates: text to tree, and what is refused."""

from __future__ import annotations

import pytest

from logpulse.limits import TEMPLATE_DEPTH
from logpulse.logql.template_ast import (
    Action,
    Body,
    Break,
    Command,
    Constant,
    Continue,
    Dot,
    Field,
    Function,
    If,
    Member,
    Nil,
    Operand,
    Pipeline,
    Range,
    Text,
    Variable,
    With,
)
from logpulse.logql.template_lexer import TemplateError
from logpulse.logql.template_parser import parse_template


def pipe(*commands: tuple[Operand, ...], variables: tuple[str, ...] = (), declares: bool = False) -> Pipeline:
    return Pipeline(tuple(Command(operands) for operands in commands), variables, declares)


A, X = Field(("a",)), Variable("$x")
PRINT_A = Action(pipe((A,)))


@pytest.mark.parametrize(
    ("template", "body"),
    [
        ("", ()),
        ("plain } text {", (Text("plain } text {"),)),
        ("{{.a}}", (PRINT_A,)),
        ("x {{ .a\n }} y", (Text("x "), PRINT_A, Text(" y"))),
        ("x \n{{- .a -}} \t y", (Text("x"), PRINT_A, Text("y"))),
        (" {{- .a}} ", (PRINT_A, Text(" "))),
        ("{{/* note }} */}}x{{- /* trimmed */ -}}   y", (Text("x"), Text("y"))),
        ("{{.a.b.c}}", (Action(pipe((Field(("a", "b", "c")),))),)),
        ("{{.}}", (Action(pipe((Dot(),))),)),
        ("{{$}}{{$.a}}", (Action(pipe((Variable("$"),))), Action(pipe((Variable("$", ("a",)),))))),
        ('{{ .a | replace " " `\\n` }}', (Action(pipe((A,), (Function("replace"), Constant(" "), Constant("\\n")))),)),
        (
            "{{(fromJson __line__).user.id}}",
            (Action(pipe((Member(pipe((Function("fromJson"), Function("__line__"))), ("user", "id")),))),),
        ),
        ("{{__timestamp__.Year}}", (Action(pipe((Member(Function("__timestamp__"), ("Year",)),))),)),
        ("{{eq nil true false}}", (Action(pipe((Function("eq"), Nil(), Constant(True), Constant(False)))),)),
    ],
)
def test_text_and_actions(template: str, body: Body) -> None:
    assert parse_template(template) == body


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"a\\"\\n\\u00e9"', 'a"\né'),
        ("`a\\n`", "a\\n"),
        ("'a'", 97),
        (r"'\''", 39),
        ("'\"'", 34),
        (r"'\n'", 10),
        ("-4", -4),
        ("+4", 4),
        ("0x1F", 31),
        ("010", 8),
        ("0b11", 3),
        ("1_000", 1000),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("08", 8.0),
    ],
)
def test_constants(text: str, value: str | int | float) -> None:
    assert parse_template(f"{{{{print {text}}}}}") == (Action(pipe((Function("print"), Constant(value)))),)


@pytest.mark.parametrize(
    ("template", "body"),
    [
        ("{{if .a}}x{{end}}", (If(pipe((A,)), (Text("x"),)),)),
        ("{{if .a}}x{{else}}y{{end}}", (If(pipe((A,)), (Text("x"),), (Text("y"),)),)),
        (
            "{{if .a}}x{{else if .}}y{{else}}z{{end}}",
            (If(pipe((A,)), (Text("x"),), (If(pipe((Dot(),)), (Text("y"),), (Text("z"),)),)),),
        ),
        ("{{with .a}}{{.}}{{else}}-{{end}}", (With(pipe((A,)), (Action(pipe((Dot(),))),), (Text("-"),)),)),
        (
            "{{range $i, $x := .a}}{{$x}}{{break}}{{continue}}{{end}}",
            (Range(pipe((A,), variables=("$i", "$x"), declares=True), (Action(pipe((X,))), Break(), Continue())),),
        ),
        (
            "{{$x := 1}}{{$x = .a}}{{$x}}",
            (
                Action(pipe((Constant(1),), variables=("$x",), declares=True)),
                Action(pipe((A,), variables=("$x",))),
                Action(pipe((X,))),
            ),
        ),
    ],
)
def test_blocks_and_variables(template: str, body: Body) -> None:
    assert parse_template(template) == body


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{", "an action is not closed with `}}`"),
        ("{{.x", "an action is not closed with `}}`"),
        ("{{.x}", "unexpected '.x}' in an action"),
        ('{{"abc}}', 'the string "abc}} is not closed'),
        ("{{/* abc }}", "a comment is not closed, or does not fill its action"),
        ("{{/* abc */ .x}}", "a comment is not closed, or does not fill its action"),
        ("{{}}", "a value or a function is missing"),
        ("{{ .a | }}", "a value or a function is missing"),
        ("{{ () }}", "a value or a function is missing"),
        ("{{ (.a }}", "a parenthesis is not closed"),
        ("{{ .a) }}", "unexpected `)`"),
        ("{{ nosuch .x }}", "`nosuch` is no function of templates"),
        ("{{ uper .x }}", "`uper` is no function of templates; did you mean `upper`?"),
        ("{{ .a | 1 }}", "only a function can take the result of `|`"),
        ("{{ $x }}", "the variable `$x` is not known here"),
        ("{{ $x = 1 }}", "the variable `$x` is not known here"),
        ("{{ $x := $x }}", "the variable `$x` is not known here"),
        ("{{if .a}}{{$x := 1}}{{end}}{{$x}}", "the variable `$x` is not known here"),
        ("{{ $x, $y := .a }}", "the variable `$x` is not known here"),
        ("{{ .a, .b }}", "unexpected `,`"),
        ("{{if .a}}", "`if` has no `{{end}}`"),
        ("{{range .a}}{{else}}", "`range` has no `{{end}}`"),
        ("{{end}}", "`{{end}}` closes or continues nothing"),
        ("{{if .a}}{{else}}{{else}}{{end}}", "`if` has no `{{end}}`"),
        ("{{break}}", "`break` stands outside of `range`"),
        ("{{range .a}}{{else}}{{break}}{{end}}", "`break` stands outside of `range`"),
        ('{{template "x"}}', "`template` is not supported: a template cannot define others"),
        ('{{define "x"}}{{end}}', "`define` is not supported: a template cannot define others"),
        ('{{"a".b}}', '"a" has no members'),
        ("{{nil.a}}", "nil has no members"),
        ('{{print"a"}}', "unexpected 'print\"a\"}}' in an action"),
        ("{{print 'ab'}}", "the string 'ab'}} is not closed"),
        (r'{{print "\q"}}', r"`\q` is not an escape of a quoted string"),
        ("{{print 9223372036854775808}}", "the number 9223372036854775808 is out of range"),
        ("{{print 1e999}}", "the number 1e999 is out of range"),
        ("{{if .a}}" * 51, f"it nests deeper than {TEMPLATE_DEPTH} levels"),
        ("{{" + "(" * 51 + ".a" + ")" * 51 + "}}", f"it nests deeper than {TEMPLATE_DEPTH} levels"),
    ],
)
def test_what_is_refused(template: str, reason: str) -> None:
    with pytest.raises(TemplateError) as caught:
        parse_template(template)
    assert caught.value.reason == reason


def test_deep_but_allowed_nesting() -> None:
    assert parse_template("{{if .a}}" * TEMPLATE_DEPTH + "{{end}}" * TEMPLATE_DEPTH)
    assert parse_template("{{" + "(" * TEMPLATE_DEPTH + ".a" + ")" * TEMPLATE_DEPTH + "}}")
