"""Loki's push routes on real sockets: what each known sender writes is stored, and every refusal reads as Loki's."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
import trio

from logpulse.errors import UnavailableError
from logpulse.limits import KIB, MIB

from ..loki_bodies import Streams, entry, json_body, label_text, legacy_body, protobuf_body, snappy, stream, varint
from .serving import JSON, MIDNIGHT, RunningServer, S, Servers, find, stored

PUSH = "/loki/api/v1/push"
LEGACY = "/api/prom/push"
PROTOBUF = {"Content-Type": "application/x-protobuf"}
ONE: Streams = [({"service": "api"}, [(MIDNIGHT, "hello")])]


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


async def accepted(client: httpx.AsyncClient, path: str, body: bytes, headers: dict[str, str]) -> None:
    """Push; the answer must be exactly what strict senders compare with."""
    answer = await client.post(path, content=body, headers=headers)
    assert (answer.status_code, answer.content) == (204, b""), answer.text
    assert "content-type" not in answer.headers


async def refused(client: httpx.AsyncClient, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    """Push; the answer must be text of one line."""
    answer = await client.post(path, content=body, headers=headers)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.text.endswith("\n")
    assert answer.text.count("\n") == 1
    assert len(answer.content) <= 1200
    return answer.status_code, answer.text[:-1]


# -- formats and encodings --------------------------------------------------------------------------------------------

FORMS: dict[str, tuple[str, Callable[[Streams], bytes], str, Callable[[bytes], bytes]]] = {
    "json": ("application/json", json_body, "", bytes),
    "json, charset": ("application/json; charset=utf-8", json_body, "", bytes),
    "json, gzip": ("application/json", json_body, "gzip", gzip.compress),
    "json, zlib": ("application/json", json_body, "deflate", zlib.compress),
    "json, raw deflate": ("application/json", json_body, "deflate", raw_deflate),
    "protobuf": ("application/x-protobuf", lambda s: snappy(protobuf_body(s)), "", bytes),
    "protobuf, snappy": ("application/x-protobuf", lambda s: snappy(protobuf_body(s)), "snappy", bytes),
    "protobuf, gzip": ("application/x-protobuf", lambda s: snappy(protobuf_body(s)), "gzip", gzip.compress),
    "protobuf, deflate": ("application/x-protobuf", lambda s: snappy(protobuf_body(s)), "deflate", raw_deflate),
    "another type": ("application/octet-stream", lambda s: snappy(protobuf_body(s)), "", bytes),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("lines", [1, 5_000])
async def test_every_form_is_stored(client: httpx.AsyncClient, form: str, lines: int) -> None:
    media_type, write, encoding, compress = FORMS[form]
    streams: Streams = [
        (
            {"service": "api", "zone": "Zürich-東京"},
            [(MIDNIGHT + n, f"line {n} ü ", {"n": str(n)}) for n in range(lines)],
        )
    ]
    headers = {"Content-Type": media_type} | ({"Content-Encoding": encoding} if encoding else {})
    await accepted(client, PUSH, compress(write(streams)), headers)
    (found,) = await find(client, limit=1)
    assert (found["message"], found["metadata"]) == (f"line {lines - 1} ü ", {"n": str(lines - 1)})
    assert found["labels"] == {"service": "api", "zone": "Zürich-東京"}
    assert len(await find(client, limit=5000)) == lines


async def test_chunked_bodies_and_many_pushes_on_one_connection(client: httpx.AsyncClient) -> None:
    for number in range(20):
        body = json_body([({"service": "api"}, [(MIDNIGHT + number * S, f"line {number}")])])

        async def pieces(body: bytes = body) -> AsyncIterator[bytes]:
            for start in range(0, len(body), 11):
                yield body[start : start + 11]

        answer = await client.post(PUSH, content=pieces(), headers=JSON)
        assert answer.status_code == 204
    assert await stored(client) == [f"line {number}" for number in reversed(range(20))]


# -- what senders put on the wire, as captured ------------------------------------------------------------------------

PINO = (
    r'{"streams":[{"stream":{"level":"info","hostname":"bench","app":"shop"},"values":[["NOW",'
    r'"{\"level\":30,\"time\":1795431996757,\"msg\":\"one\"}",{"trace_id":"t1","user":"Zoë 0"}]]},'
    r'{"stream":{"level":"info","hostname":"bench","app":"shop"},"values":[["NOW","{\"msg\":\"two\"}"]]}]}'
).replace("NOW", str(MIDNIGHT))
SENDERS: dict[str, tuple[str, dict[str, str], bytes, list[str]]] = {
    "python-logging-loki": (
        PUSH,
        {"Content-Type": "application/json", "User-Agent": "python-requests/2.32", "Accept-Encoding": "gzip, deflate"},
        (
            '{"streams": [{"stream": {"run": "x", "severity": "info", "logger": "name", "app": "shop"}, '
            '"values": [["' + str(MIDNIGHT) + '", "caf\\u00e9 \\ud83d\\ude00"]]}]}'
        ).encode(),
        ["café 😀"],
    ),
    "python-logging-loki, emitter 0": (
        LEGACY,
        {"Content-Type": "application/json", "User-Agent": "python-requests/2.32"},
        json.dumps(
            {
                "streams": [
                    {
                        "labels": '{run="x",severity="info",logger="name"}',
                        "entries": [{"ts": "2026-01-15T00:00:00.479866+00:00", "line": "old"}],
                    }
                ]
            }
        ).encode(),
        ["old"],
    ),
    "inuits": (
        PUSH,
        {"Content-Type": "application/json", "X-Scope-OrgID": "fake"},
        json_body([({"app": "shop"}, [(MIDNIGHT + n, f"line {n}")]) for n in (2, 0, 1)]),
        ["line 2", "line 1", "line 0"],
    ),
    "loki-logger-handler": (
        PUSH,
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        gzip.compress(
            json_body([({"app": "shop"}, [(MIDNIGHT, '{"message": "ü", "process": 23740}', {"trace_id": "t1"})])])
        ),
        ['{"message": "ü", "process": 23740}'],
    ),
    "pino-loki": (
        PUSH,
        {"content-type": "application/json", "accept": "*/*", "sec-fetch-mode": "cors", "user-agent": "node"},
        PINO.encode(),
        ['{"msg":"two"}', '{"level":30,"time":1795431996757,"msg":"one"}'],
    ),
    "winston-loki, json": (
        PUSH,
        {"Content-Type": "application/json"},
        json_body([({"level": "info", "app": "shop"}, [(MIDNIGHT, "a", {}), (MIDNIGHT + 1, "b", {"level": "info"})])]),
        ["b", "a"],
    ),
    "winston-loki, protobuf": (
        PUSH,
        {"Content-Type": "application/x-protobuf"},
        snappy(stream('{level="info",run="x",zone="Zürich-東京",app="shop"}', entry(MIDNIGHT + 757_000_000, "w"))),
        ["w"],
    ),
    "rsyslog": (
        PUSH,
        {"Content-Type": "application/json; charset=utf-8"},
        json_body([({"host": "bench"}, [(MIDNIGHT + n, f"msg {n}")]) for n in range(100)]),
        [f"msg {n}" for n in reversed(range(100))],
    ),
    "syslog-ng": (
        PUSH,
        {"Content-Type": "application/json", "User-Agent": "syslog-ng 3.38.1/libcurl 7.88.1"},
        rb'{"streams":[{"stream":{"host":"b"},"values":[["%d","\u001b[31mred\u001b[0m\u0007"]]}]}' % MIDNIGHT,
        ["\x1b[31mred\x1b[0m\x07"],
    ),
    "loki-canary": (
        PUSH,
        {"Content-Type": "application/x-protobuf", "User-Agent": "canary-push/x", "X-Scope-Orgid": "t"},
        snappy(
            stream('{name="x", stream="push"}', *(entry(MIDNIGHT + n, f"{MIDNIGHT + n} {'p' * 80}") for n in range(5)))
        ),
        [f"{MIDNIGHT + n} {'p' * 80}" for n in reversed(range(5))],
    ),
    "docker driver": (
        LEGACY,
        {"Content-Type": "application/x-protobuf"},
        snappy(stream('{container_name="c"}', entry(MIDNIGHT, "from docker "))),
        ["from docker "],
    ),
}


@pytest.mark.parametrize("sender", SENDERS)
async def test_what_a_sender_writes_is_stored_once(client: httpx.AsyncClient, sender: str) -> None:
    path, headers, body, lines = SENDERS[sender]
    for _ in range(2):  # one whose answer was lost sends the same again
        await accepted(client, path, body, headers)
    assert sorted(await stored(client)) == sorted(lines)


async def test_arrival_order_survives_among_equal_times(client: httpx.AsyncClient) -> None:
    lines = [f"line {number}" for number in range(50)]
    await accepted(client, PUSH, json_body([({"service": "api"}, [(MIDNIGHT, line)]) for line in lines]), JSON)
    assert [each["message"] for each in await find(client, direction="forward")] == lines


# -- refusals ---------------------------------------------------------------------------------------------------------

BROKEN: list[tuple[str, dict[str, str], bytes, int, str]] = [
    (PUSH, {}, json_body(ONE), 400, "mime: no media type"),
    (PUSH, JSON, b"", 400, "not valid JSON"),
    (PUSH, JSON, b"{", 400, "not valid JSON"),
    (PUSH, JSON, json_body([({"a": "b"}, [(MIDNIGHT, "x")])]).replace(b'"' + str(MIDNIGHT).encode() + b'"', b"5"), 400,
     "Expected `str`, got `int`"),
    (PUSH, JSON, snappy(protobuf_body(ONE)), 400, "not valid JSON"),
    (PUSH, PROTOBUF, b"", 400, "not a snappy block"),
    (PUSH, PROTOBUF, json_body(ONE), 400, ""),
    (PUSH, PROTOBUF, snappy(json_body(ONE)), 400, "protobuf"),
    (PUSH, PROTOBUF, protobuf_body(ONE), 400, "snappy"),
    (PUSH, PROTOBUF, snappy(protobuf_body(ONE)[:-1]), 400, "protobuf is malformed at byte 2"),
    (PUSH, {**JSON, "Content-Encoding": "zstd"}, b"x", 400, 'Content-Encoding "zstd" not supported'),
    (PUSH, {**PROTOBUF, "Content-Encoding": "br"}, b"x", 400, 'Content-Encoding "br" not supported'),
    (PUSH, {**JSON, "Content-Encoding": "gzip"}, b"x", 400, "not valid gzip"),
    (PUSH, {**PROTOBUF, "Content-Encoding": "gzip"}, gzip.compress(b"\xff" * 9), 400, ""),
    (PUSH, JSON, b"{}", 422, "error at least one valid stream is required for ingestion"),
    (PUSH, JSON, b'{"streams":[]}', 422, "error at least one valid stream is required for ingestion"),
    (PUSH, PROTOBUF, snappy(b""), 422, "error at least one valid stream is required for ingestion"),
    (LEGACY, JSON, b"{}", 422, "error at least one valid stream is required for ingestion"),
    (PUSH, JSON, json_body([({}, [(MIDNIGHT, "x")])]), 400, "error at least one label pair is required per stream"),
    (PUSH, PROTOBUF, snappy(protobuf_body([({}, [(MIDNIGHT, "x")])])), 400, "at least one label pair"),
    (LEGACY, JSON, legacy_body("{}", ("2026-01-15T00:00:00Z", "x")), 400, "error at least one label pair is required"),
    (LEGACY, JSON, legacy_body('{a="\\q"}', ("2026-01-15T00:00:00Z", "x")), 400, "is not an escape"),
    (PUSH, PROTOBUF, varint(64 * MIB + 1) + bytes(MIB), 413, "decompressed body bytes is limited to 67108864"),
    (PUSH, PROTOBUF, varint(2 * MIB) + b"\x00x", 413, "decompressed body bytes is limited to 1048576"),
    (PUSH, {**JSON, "Content-Encoding": "gzip"}, gzip.compress(bytes(8 * MIB)), 413, "decompressed body bytes"),
]  # fmt: skip


async def test_what_cannot_be_read_is_refused_and_nothing_is_stored(client: httpx.AsyncClient) -> None:
    for path, headers, body, status, said in BROKEN:
        found, text = await refused(client, path, body, headers)
        assert (found, said in text) == (status, True), (path, headers, body[:60], text)
    assert await stored(client) == []


async def test_the_valid_entries_of_a_partly_bad_push_are_stored(
    running: RunningServer, client: httpx.AsyncClient
) -> None:
    future = running.services.now_ns() + 3600 * S
    values = [(MIDNIGHT, "good 1"), (future, "bad"), (MIDNIGHT, "x" * (256 * KIB + 1)), (MIDNIGHT + S, "good 2")]
    streams: Streams = [({"service": "api"}, values), ({"not a name": "x"}, [(MIDNIGHT, "bad"), (MIDNIGHT, "bad")])]
    for _ in range(2):  # winston-loki repeats it for ever
        status, text = await refused(client, PUSH, json_body(streams), JSON)
        assert status == 400
        assert text.startswith("4 of 6 entries were refused, 2 are stored: stream 0, entry 1: ts: must be at most")
        assert "; stream 0, entry 2: line bytes is limited to 262144, got 262145; raise ingest.max_line_bytes" in text
    assert await stored(client) == ["good 2", "good 1"]
    label = running.services.metrics.rejected_lines.labels("invalid")
    assert label._value.get() == 8


async def test_only_post_and_only_these_paths(client: httpx.AsyncClient) -> None:
    for path in (PUSH, LEGACY):
        answer = await client.get(path)
        assert (answer.status_code, answer.content) == (405, b"")
        assert "content-type" not in answer.headers
        assert "POST" in answer.headers["allow"]
    for path in ("/loki/api/v1/pushh", "/loki/", "/api/prom/x", "/loki/api/v2alpha/tail"):
        answer = await client.post(path, content=b"x")
        assert (answer.status_code, answer.text) == (404, "404 page not found")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"


async def test_a_key_in_every_form_that_senders_know(serve: Servers) -> None:
    running = await serve(auth__enabled="true", auth__api_key="secret")
    async with running.client() as client:
        answer = await client.post(PUSH, content=json_body(ONE), headers=JSON)
        assert answer.status_code == 401
        assert "www-authenticate" in answer.headers
        answer = await client.post(PUSH, content=json_body(ONE), headers=JSON, auth=("anybody", "secret"))
        assert answer.status_code == 204
        answer = await client.post(PUSH, content=json_body(ONE), headers={**JSON, "Authorization": "Bearer secret"})
        assert answer.status_code == 204


async def test_what_cannot_be_taken_now_says_when_to_come_back(serve: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    running = await serve(ingest__max_streams="1")
    async with running.client() as client:
        await accepted(client, PUSH, json_body(ONE), JSON)
        body = json_body([*ONE, ({"service": "other"}, [(MIDNIGHT, "x")])])
        answer = await client.post(PUSH, content=body, headers=JSON)
        assert (answer.status_code, int(answer.headers["retry-after"]) >= 1) == (429, True)
        assert "ingest.max_streams" in answer.text

        async def full(*_: object) -> None:
            await trio.lowlevel.checkpoint()
            raise UnavailableError("the disk is full")

        monkeypatch.setattr(running.services.intake, "take", full)
        answer = await client.post(PUSH, content=json_body(ONE), headers=JSON)
        assert (answer.status_code, answer.text) == (503, "the disk is full\n")
        assert answer.headers["retry-after"] == "5"
        monkeypatch.setattr(running.services.intake, "take", lambda *_: 1 / 0)
        answer = await client.post(PUSH, content=json_body(ONE), headers=JSON)
        assert (answer.status_code, answer.text) == (500, "internal error; the server's log has the details\n")


async def test_the_service_name_is_added_where_it_is_set_so(serve: Servers) -> None:
    running = await serve(ingest__discover_service_name="true")
    async with running.client() as client:
        labels = {"app": "shop", "env": "prod"}
        await accepted(client, PUSH, json_body([(labels, [(MIDNIGHT, "x")])]), JSON)
        await accepted(client, PUSH, snappy(stream(label_text(labels), entry(MIDNIGHT + 1, "y"))), PROTOBUF)
        found = await find(client, '{service_name="shop"}')
        assert [each["labels"] for each in found] == [{**labels, "service_name": "shop"}] * 2
