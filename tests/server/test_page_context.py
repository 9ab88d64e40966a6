"""GET and POST /context: what stands around an entry in its stream, whatever query found it."""

from __future__ import annotations

import httpx
import msgspec
import pytest

from .serving import ALL, MIDNIGHT, Json, RunningServer, S, find, push, stream_of

LABELS = {"service": "api"}


async def context(client: httpx.AsyncClient, entry: Json, **parameters: str | int) -> Json:
    """Ask as a page does, which sends what it shows of the entry."""
    labels = msgspec.json.encode(entry["labels"]).decode()
    given = {"id": str(entry["id"]), "labels": labels, "timestamp": str(entry["timestamp"]), **parameters}
    got = await client.get("/context", params=given)
    assert got.status_code == 200, got.text
    posted = await client.post("/context", data=given)
    assert posted.content == got.content
    body: Json = got.json()
    return body


def told(answer: Json) -> tuple[list[str], bool, bool, bool]:
    """Give the messages, the anchor in brackets, and the three flags."""
    entries = msgspec.convert(answer["entries"], list[Json])
    texts = [str(each["message"]) if each.get("context") else f"[{each['message']}]" for each in entries]
    return texts, bool(answer["found"]), bool(answer["earlier"]), bool(answer["later"])


@pytest.mark.parametrize("flushed", [0, 5, 10])
async def test_before_and_after(client: httpx.AsyncClient, running: RunningServer, flushed: int) -> None:
    lines = [f"line {n}" for n in range(10)]
    await push(client, stream_of(lines[:flushed] or lines[:1]), stream_of(["other"], {"service": "web"}))
    if flushed:
        await running.services.flusher.flushed()
    await push(client, stream_of(lines[flushed or 1 :], first=MIDNIGHT + (flushed or 1) * S)) if flushed < 10 else None
    (entry,) = await find(client, '{} |= "line 4"')
    assert told(await context(client, entry, before=2, after=1)) == (
        ["line 2", "line 3", "[line 4]", "line 5"], True, True, True,
    )  # fmt: skip
    assert told(await context(client, entry, before=4, after=5)) == (
        [*lines[:4], "[line 4]", *lines[5:]], True, False, False,
    )  # fmt: skip
    assert told(await context(client, entry, before=0, after=0)) == (["[line 4]"], True, True, True)
    assert told(await context(client, entry)) == ([*lines[:4], "[line 4]", *lines[5:]], True, False, False)


async def test_one_walks_through_the_whole_stream(client: httpx.AsyncClient) -> None:
    await push(client, stream_of([f"line {n}" for n in range(30)]))
    anchor = (await find(client, '{} |= "line 29"'))[0]
    seen = [anchor]
    while True:
        answer = await context(client, seen[0], before=7, after=0)
        entries = msgspec.convert(answer["entries"], list[Json])
        seen = [*entries[:-1], *seen]
        if not answer["earlier"]:
            break
    assert [each["message"] for each in seen] == [f"line {n}" for n in range(30)]


async def test_entries_of_one_time_are_told_apart(client: httpx.AsyncClient) -> None:
    entries = [{"ts": str(MIDNIGHT), "line": f"{n}"} for n in range(40)]
    await push(client, {"labels": LABELS, "entries": entries})
    (entry,) = await find(client, "{} |~ `^20$`")
    answer = await context(client, entry, before=100, after=100)
    texts, *flags = told(answer)
    assert flags == [True, False, False]
    assert texts == [f"[{n}]" if n == 20 else f"{n}" for n in range(40)]


async def test_labels_of_a_parser_are_no_obstacle_and_the_level_is_shown(client: httpx.AsyncClient) -> None:
    await push(client, stream_of(["level=error a=1", "level=info a=2"]))
    (entry,) = await find(client, "{} | logfmt | a=1")
    assert entry["labels"] != LABELS
    answer = await context(client, entry)
    shown = msgspec.convert(answer["entries"], list[Json])
    assert [(each["level"], each["labels"]) for each in shown] == [("error", LABELS), ("info", LABELS)]
    assert shown[0]["id"] == entry["id"]


async def test_an_entry_that_is_gone_is_surrounded_all_the_same(client: httpx.AsyncClient) -> None:
    await push(client, stream_of(["a", "b"]))
    (a, b) = await find(client, ALL, direction="forward")
    # The id of another line of the same time and stream.
    gone = {**a, "id": str(a["id"])[:-4] + str(b["id"])[-4:]}
    assert told(await context(client, gone)) == (["a", "b"], False, False, False)
    other = {**a, "id": "AAAAAAAA" * 4, "timestamp": "1970-01-01T00:00:00Z"}
    assert told(await context(client, other)) == ([], False, False, False)


async def test_what_is_too_large_together_ends_early(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await push(client, stream_of([letter * 100 for letter in "abcde"]))
    (entry,) = await find(client, '{} |= "ccc"')
    monkeypatch.setattr("logpulse.query.surroundings.PAGE_TEXT_BYTES", 300)
    texts, *flags = told(await context(client, entry))
    assert [text.strip("[]")[0] for text in texts] == ["b", "c", "d"]
    assert flags == [True, True, True]


@pytest.mark.parametrize(
    ("changed", "field", "reason"),
    [
        ({"id": ""}, "id", "must be the `id` of an entry in an answer, got ''"),
        ({"id": "!"}, "id", "must be the `id` of an entry in an answer, got '!'"),
        ({"timestamp": "0"}, "timestamp", "must be that of the entry that `id` names, got '0'"),
        ({"timestamp": "x"}, "timestamp", "must be RFC 3339 such as 2026-01-15T10:30:00Z, got 'x'"),
        ({"labels": "{"}, "labels", """must be a JSON object such as {"service":"api"}, got '{'"""),
        ({"labels": "[1]"}, "labels", """must be a JSON object such as {"service":"api"}, got '[1]'"""),
        ({"before": "101"}, "before", "must be a whole number from 0 to 100, got '101'"),
        ({"after": "-1"}, "after", "must be a whole number from 0 to 100, got '-1'"),
    ],
)
async def test_refusals(client: httpx.AsyncClient, changed: dict[str, str], field: str, reason: str) -> None:
    await push(client, stream_of(["a"]))
    (entry,) = await find(client, ALL)
    answer = await client.get("/context", params={"id": str(entry["id"]), **changed})
    assert (answer.status_code, answer.json()) == (400, {"error": f"{field}: {reason}", "field": field})
