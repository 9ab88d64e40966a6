"""Whatever is asked, the server answers: no failure of its own, a word about every refusal, and nobody waits for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logpulse.limits import FORM_BYTES

from ..conformance.recorded import cases, dataset
from .server_thread import ServerThread, server_thread
from .serving import Json, RunningServer

_CORPUS: Final = sorted((Path(__file__).parents[1] / "fuzz_corpus").glob("*.logql"))
_ROUTES: Final = (
    "/query",
    "/volume",
    "/fields",
    "/parse",
    "/loki/api/v1/query",
    "/loki/api/v1/query_range",
    "/loki/api/v1/format_query",
)
_SPAN: Final = {"start": "1793491200000000000", "end": "1793512800000000000", "time": "1793512800000000000"}
_ENTRIES_PER_STREAM: Final = 4
_LONGEST: Final = 100_000

RATE = 'rate({app=~".+"}[1m])'
ALL = '{app=~".+"}'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    """Give a server with some entries of every recorded stream."""
    with server_thread(tmp_path_factory.mktemp("fuzz"), storage__retention_days="0", query__timeout="10m") as server:
        with server.client() as client:
            for stream in dataset():
                part = {"stream": stream.labels, "values": stream.entries[:_ENTRIES_PER_STREAM]}
                assert client.post("/loki/api/v1/push", json={"streams": [part]}).status_code == 204
        yield server


@pytest.fixture(scope="module")
def client(server: ServerThread) -> Iterator[httpx.Client]:
    """Give a client of that server."""
    with server.client() as client:
        yield client


def check_answers(server: ServerThread, client: httpx.Client, query: str, parameters: dict[str, str]) -> None:
    """Ask on every route, and as the filter of a tail."""
    for route in _ROUTES:
        answer = client.post(route, data={"query": query, **parameters})
        assert answer.status_code == 200 or 400 <= answer.status_code < 500, (route, answer.text)
        assert answer.text.strip()
    frame = server.call(partial(_frame_after, query=query))
    assert frame["type"] == "filter_updated" or frame["message"]
    assert client.get("/health").json()["status"] == "healthy"


async def _frame_after(running: RunningServer, query: str) -> Json:
    async with running.tail() as tail:
        await tail.connected()
        await tail.send({"type": "filter", "query": query})
        return await tail.next()


# -- what has been found worth keeping --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", _CORPUS, ids=lambda path: path.stem)
def test_kept_queries(server: ServerThread, client: httpx.Client, path: Path) -> None:
    check_answers(server, client, path.read_text().removesuffix("\n"), _SPAN)


LONG: Final = {
    "parentheses": "(" * 10_000 + "1" + ")" * 10_000,
    "sums": "sum(" * 95 + RATE + ")" * 95,
    "operators": "vector(1)" + "+vector(1)" * 1_000,
    "operators within the bound": RATE + f" + {RATE}" * 40,
    "numbers": "1" + "+1" * 4_900,
    "text": f'{ALL} |= "' + "x" * _LONGEST + '"',
    "comment": f"{ALL} # " + "x" * _LONGEST,
    "regular expression": f'{ALL} |~ "' + "[a-z]*x?" * 1_200 + '"',
    "regular expressions": ALL + "".join(f' |~ ".{{0,{number}}}x"' for number in range(500, 600)),
    "stages": ALL + " | json" * 1_000,
    "stages within the bound": ALL + " | json" * 499,
    "alternatives": f'{ALL} |= "a"' + ' or "b"' * 10_000,
    "regular alternatives": f'{ALL} |~ "a0"' + "".join(f' or "a.*{number}"' for number in range(500)),
    "patterns": f'{ALL} |> "q0<_>"' + "".join(f' or "q<_>{number}"' for number in range(3_000)),
    "addresses": f'{ALL} |= ip("10.0.0.1")' + "".join(f' or ip("10.0.0.{n % 256}")' for n in range(1_600)),
    "conditions": f"{ALL} | json | status=1" + " or status>200000" * 2_400,
    "matchers": "{" + ",".join(f'a{number}=~"x*"' for number in range(1_000)) + "}",
    "captures": f'{ALL} | pattern "' + "".join(f"<a{number}> " for number in range(1_000)) + '"',
    "groups": f'{ALL} | regexp "' + "".join(f"(?P<g{number}>.?)" for number in range(500)) + '"',
    "paths": f"{ALL} | json " + ", ".join(f'a{number}="b.c[{number}]"' for number in range(1_000)),
    "names": f"sum by ({', '.join(f'a{number}' for number in range(300))}) ({RATE})",
    "blocks of a template": f"{ALL} | line_format `" + "{{if .app}}" * 1_000 + "x" + "{{end}}" * 1_000 + "`",
    "replacements": "label_replace(" * 40 + RATE + ', "app", "$1$1", "app", "(.*)")' * 40,
    "sorted": "sort(" * 99 + RATE + ")" * 99,
}


@pytest.mark.parametrize("query", LONG.values(), ids=LONG.keys())
def test_long_queries(server: ServerThread, client: httpx.Client, query: str) -> None:
    assert len(urlencode({"query": query})) <= FORM_BYTES
    check_answers(server, client, query, _SPAN)


# -- what nobody has thought of ---------------------------------------------------------------------------------------

_NUMBERS: Final = re.compile(r"\b\d+(?:\.\d+)?\b")
_DURATIONS: Final = re.compile(r"\b\d+(?:ns|us|ms|s|m|h|d|w)\b")
_TEXTS: Final = re.compile(r'"[^"]*"|`[^`]*`')
_NAMES: Final = re.compile(r"\b[a-z_]{2,}\b")

recorded = st.sampled_from(sorted({str(case.params["query"]) for case in cases() if "query" in case.params}))
extreme_numbers = st.sampled_from(["0", "-1", "1e308", "1e-320", "NaN", "Inf", "999999999", "9" * 25, "0.1e-7"])
extreme_durations = st.sampled_from(["1ns", "9999d", "106751d", "9999999d", "0s", "1ms", "52w", "-5m", "1.5h"])
extreme_texts = st.sampled_from(
    [
        '""',
        '".{0,1000}"',
        '"(((a{100}){100}){100})"',
        '"(a*)*b"',
        '"\\x00"',
        '"\\xff"',
        '"(?i)ß"',
        '"<_><_>"',
        '"{{.app}}"',
        "`{{__line__ | repeat 100000}}`",
        "`{{range fromJson __line__}}{{.}}{{end}}`",
        '"["',
        '"' + "x" * 5_000 + '"',
    ]
)
names = recorded.map(lambda query: (_NAMES.findall(query) or ["x"])[-1])
wraps = st.sampled_from(
    [
        "sum({})",
        "topk(999999999, {})",
        "sort_desc({})",
        "absent_over_time({}[5m])",
        "rate({}[9999d])",
        "({})",
        "{} | json",
        "{} | logfmt | unwrap x",
        "{} or {}",
        "-{}",
        "bottomk by (app) (1, {})",
        "count_over_time({}[1ms])",
        "quantile_over_time(1e308, {} | unwrap volt [5m])",
        'label_replace({}, "app", "$1$1", "app", "(.*)")',
    ]
)


@st.composite
def mutated_queries(draw: st.DrawFn) -> str:
    """Make queries from recorded ones: cut, spliced, with parts repeated or extreme, wrapped in others."""
    query = draw(recorded)
    for _ in range(draw(st.integers(1, 4))):
        start, end = sorted(draw(st.tuples(*[st.integers(0, len(query))] * 2)))
        match draw(st.sampled_from(["cut", "splice", "repeat", "wrap", "number", "duration", "text", "name", "noise"])):
            case "cut":
                query = query[:start] + query[end:]
            case "splice":
                other = draw(recorded)
                query = query[:start] + other[draw(st.integers(0, len(other))) :]
            case "repeat":
                query = query[:start] + query[start:end] * draw(st.sampled_from([2, 3, 50, 1_000])) + query[end:]
            case "wrap":
                query = draw(wraps).replace("{}", query)
            case "number":
                query = _replaced(_NUMBERS, query, draw(extreme_numbers), start)
            case "duration":
                query = _replaced(_DURATIONS, query, draw(extreme_durations), start)
            case "text":
                query = _replaced(_TEXTS, query, draw(extreme_texts), start)
            case "name":
                query = _replaced(_NAMES, query, draw(names), start)
            case "noise":
                query = query[:start] + draw(st.text(max_size=5)) + query[end:]
        query = query[:_LONGEST]
    return query


def _replaced(pattern: re.Pattern[str], query: str, replacement: str, start: int) -> str:
    """Replace the first match from `start` on, or else in all of the query."""
    found = pattern.search(query, start) or pattern.search(query)
    return query if found is None else query[: found.start()] + replacement + query[found.end() :]


moments = ["2026-11-01T00:00:00Z", "0", "-1", "1e308", "NaN", "9" * 30, "now", "", "\x00"]
times = st.sampled_from([*_SPAN.values(), *moments])
steps = st.sampled_from(["1ms", "0.000000001", "1", "0", "-1", "9999d", "1e308", "NaN", "", "x", "9" * 30])
counts = st.sampled_from(["0", "1", "+5", "-1", "5000", "9" * 30, "1.5", "", "x"])
parameters = st.fixed_dictionaries(
    {},
    optional={
        "start": times,
        "end": times,
        "time": times,
        "step": steps,
        "interval": steps,
        "since": steps,
        "limit": counts,
        "direction": st.sampled_from(["forward", "BACKWARD", "", "sideways"]),
        "cursor": st.text(max_size=20),
    },
)


@settings(max_examples=150)
@given(mutated_queries(), parameters)
def test_mutated_queries(server: ServerThread, client: httpx.Client, query: str, parameters: dict[str, str]) -> None:
    check_answers(server, client, query, {**_SPAN, **parameters})


@settings(max_examples=30)
@given(st.text(max_size=200))
def test_any_text(server: ServerThread, client: httpx.Client, query: str) -> None:
    check_answers(server, client, query, _SPAN)
