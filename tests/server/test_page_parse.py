"""GET and POST /parse: is a query well-formed, and of which kind."""

from __future__ import annotations

import httpx
import pytest


@pytest.mark.parametrize(
    ("query", "kind", "text"),
    [
        ("{}", "logs", "{}"),
        ("{a='b'}", None, ""),
        ('{a="b"}|="x"|json', "logs", '{a="b"} |= "x" | json'),
        ('sum by(a)(rate({a="b"}[5m]))', "metrics", 'sum by (a)(rate({a="b"}[5m]))'),
        ("1+1", "metrics", "2"),
        ("", None, ""),
    ],
)
async def test_kinds(client: httpx.AsyncClient, query: str, kind: str | None, text: str) -> None:
    answer = await client.get("/parse", params={"query": query})
    posted = await client.post("/parse", data={"query": query})
    assert posted.json() == answer.json()
    if kind is None:
        expected = await client.get("/query", params={"query": query})
        assert (answer.status_code, answer.json()) == (200, {"kind": None, **expected.json()})
    else:
        assert (answer.status_code, answer.json()) == (200, {"kind": kind, "query": text})


async def test_a_long_query_is_read_too(client: httpx.AsyncClient) -> None:
    query = '{a="b"}' + ' |~ "x+y"' * 200
    answer = await client.post("/parse", data={"query": query})
    assert answer.json() == {"kind": "logs", "query": query}
