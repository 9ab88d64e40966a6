"""Bad input on the wire, for the whole edge around Quart: refused or served, and the server lives on in silence."""

from __future__ import annotations

import logging
import random
from contextlib import suppress

import msgspec
import pytest
import trio
from quart import request, websocket
from quart_trio import QuartTrio

from logpulse.http import protocol, unread_body
from logpulse.http.guard import EdgeCounters, guarded_hypercorn
from logpulse.http.middleware import harden
from logpulse.http.peer import PeerLeftError
from logpulse.limits import HEADER_COUNT

from .harness import GET, HANDSHAKE, PATIENCE, Client, Server, connected, serving

BODY_BYTES = 1000
LIMIT_FIELDS = {"limit", "value", "sent"}
HEAD = b"POST /push HTTP/1.1\r\nHost: test\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BAD: dict[str, tuple[bytes, set[int]]] = {
    "WebSocket handshake and one byte": (HANDSHAKE + b"\r\nx", {400}),
    "WebSocket handshake with binary subprotocol": (HANDSHAKE + b"Sec-WebSocket-Protocol: \xff\r\n\r\n", {400}),
    "WebSocket handshake without key": (HANDSHAKE.replace(b"Sec-WebSocket-Key", b"X") + b"\r\n", {400}),
    "WebSocket handshake with another version": (HANDSHAKE.replace(b": 13", b": 99") + b"\r\n", {426}),
    "WebSocket handshake of HTTP/1.0": (HANDSHAKE.replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n", {400}),
    "WebSocket handshake with a body": (HANDSHAKE + b"Content-Length: 3\r\n\r\nabc", {400}),
    "WebSocket on a push route": (HANDSHAKE.replace(b"GET / ", b"GET /push ") + b"\r\n", {400, 404, 405, 426}),
    "WebSocket nowhere": (HANDSHAKE.replace(b"GET / ", b"GET /nowhere ") + b"\r\n", {404, 426}),
    "WebSocket by POST": (HANDSHAKE.replace(b"GET", b"POST") + b"\r\n", {405}),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {505}),
    "length and chunks": (HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
    "chunks and length": (HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", {400}),
    "two lengths": (HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", {400}),
    "negative length": (HEAD + b"Content-Length: -1\r\n\r\n", {400}),
    "length that is no number": (HEAD + b"Content-Length: many\r\n\r\n", {400}),
    "endless length": (HEAD + b"Content-Length: " + 5000 * b"9" + b"\r\n\r\n", {400}),
    "length over the limit": (HEAD + b"Content-Length: 1001\r\n\r\n", {413}),
    "unknown transfer encoding": (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n", {400, 501}),
    "huge chunk": (CHUNKED + b"FFFFFFFFFFFFFFFF\r\n" + bytes(2 * BODY_BYTES), {413}),
    "chunk of 21 digits": (CHUNKED + 21 * b"F" + b"\r\n", {400}),
    "negative chunk": (CHUNKED + b"-1\r\n\r\n", {400}),
    "chunk without size": (CHUNKED + b"\r\n\r\n", {400}),
    "endless chunk extension": (CHUNKED + b"5;" + 100_000 * b"x", {400, 431}),
    "bad end of chunk": (CHUNKED + b"5\r\nhelloXX0\r\n\r\n", {400}),
    "endless trailer": (CHUNKED + b"0\r\nX: " + 100_000 * b"y", {200, 400, 431}),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", {400}),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", {400}),
    "binary host": (b"GET / HTTP/1.1\r\nHost: \xff\r\n\r\n", {200, 400, 404}),
    "broken host": (b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", {200, 400, 404}),
    "long host": (b"GET / HTTP/1.1\r\nHost: " + 300 * b"x" + b"\r\n\r\n", {400}),
    "0xff in the path": (b"GET /\xff HTTP/1.1\r\nHost: test\r\n\r\n", {400}),
    "% in the path": (GET.replace(b"/ ", b"/% "), {400}),
    "%zz in the path": (GET.replace(b"/ ", b"/%zz "), {400}),
    "%00 in the path": (GET.replace(b"/ ", b"/%00 "), {400}),
    "no path": (GET.replace(b" / ", b" ? "), {400}),
    "half an address": (GET.replace(b" / ", b" http://[::1 "), {400}),
    "CONNECT": (b"CONNECT test:80 HTTP/1.1\r\nHost: test\r\n\r\n", {400}),
    "OPTIONS *": (b"OPTIONS * HTTP/1.1\r\nHost: test\r\n\r\n", {200, 400, 404, 405}),
    "unknown method": (GET.replace(b"GET", b"BREW"), {405, 501}),
    "traversal": (GET.replace(b"/ ", b"/static/../../etc/passwd "), {400, 404}),
    "escaped traversal": (GET.replace(b"/ ", b"/static/%2e%2e%2f%2e%2e%2fetc/passwd "), {400, 404}),
    "twice escaped traversal": (GET.replace(b"/ ", b"/static/%252e%252e%252fetc/passwd "), {400, 404}),
    "overlong traversal": (GET.replace(b"/ ", b"/static/%c0%ae%c0%ae/etc/passwd "), {400, 404}),
    "expecting to be refused": (HEAD + b"Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n", {413}),
    "HTTP/0.9": (b"GET /\r\n\r\n", {400}),
    "HTTP/1.0": (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", {200}),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\nHost: test\r\n\r\n", {200, 505}),
    "HTTP/9.9": (b"GET / HTTP/9.9\r\nHost: test\r\n\r\n", {505}),
    "TLS": (bytes.fromhex("16030100f8010000f40303") + bytes(100) + b"\r\n\r\n", {400}),
    "nothing but lines": (100_000 * b"\r\n", {400, 431}),
    "headers folded": (b"GET / HTTP/1.1\r\nHost: test\r\nA: b\r\n c\r\n\r\n", {200, 400}),
    "space before the colon": (b"GET / HTTP/1.1\r\nHost : test\r\n\r\n", {400}),
    "NUL in a header": (b"GET / HTTP/1.1\r\nHost: test\r\nA: \x00\r\n\r\n", {400}),
    "too many headers": (b"GET / HTTP/1.1\r\nHost: test\r\n" + HEADER_COUNT * b"A: b\r\n" + b"\r\n", {431}),
    "too long headers": (b"GET / HTTP/1.1\r\nHost: test\r\nA: " + 40_000 * b"b" + b"\r\n\r\n", {431}),
    "endless header": (b"GET / HTTP/1.1\r\nHost: test\r\nAuthorization: " + 1_000_000 * b"b", {431}),
    "long URL": (GET.replace(b"/ ", b"/?" + 40_000 * b"x" + b" "), {414}),
    "endless URL": (b"GET /" + 1_000_000 * b"x", {431}),
    "GET on a push route": (GET.replace(b"/ ", b"/push "), {405}),
    "POST on the index": (b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\nhi", {405}),
}


ECHO_HANDSHAKE = HANDSHAKE.replace(b"GET / ", b"GET /echo ") + b"\r\n"
FRAMES = [
    b"\x81\x85\0\0\0\0hello",
    b"\x01\x81\0\0\0\0a\x80\x81\0\0\0\0b",
    b"\x89\x80\0\0\0\0",
    b"\x81\x82\0\0\0\0\xff\xfe",
    b"\x81\x05naked",
    b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0" + bytes(100),
    b"\x88\x80\0\0\0\0",
]
"""Masked WebSocket frames: text, fragments, ping, no UTF-8, not masked, huge, close."""


def application() -> QuartTrio:
    app = QuartTrio(__name__)
    app.config["MAX_CONTENT_LENGTH"] = None

    @app.get("/")
    async def index() -> str:
        return "ok"

    @app.post("/push")
    async def push() -> str:
        return str(len(await request.get_data()))

    return app


def failures(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Collect what the server logged as its own failure: that a client is to blame is a warning without traceback."""
    return [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]


async def send_all(client: Client, data: bytes) -> None:
    """Send `data`, or as much of it as the server takes."""
    with suppress(trio.BrokenResourceError):
        await client.send(data)


@pytest.mark.parametrize(("data", "statuses"), BAD.values(), ids=BAD)
async def test_bad_input_is_answered_and_survived(
    data: bytes, statuses: set[int], caplog: pytest.LogCaptureFixture
) -> None:
    app = harden(application(), body_bytes=BODY_BYTES, stopping=trio.Event())
    async with serving(app, guard=guarded_hypercorn(EdgeCounters())) as server:
        async with connected(server) as client, trio.open_nursery() as nursery:
            nursery.start_soon(send_all, client, data)
            answer = await client.answer()
            nursery.cancel_scope.cancel()
        assert (answer.early, answer.status in statuses) == ((), True), answer
        if answer.status in {413, 414, 431}:
            assert set(msgspec.json.decode(answer.body)) == {"error"} | LIMIT_FIELDS
        await server.serves()
    assert failures(caplog) == []


async def test_pipelined_requests_are_answered_in_order() -> None:
    app = application()

    @app.get("/<int:number>")
    async def give_back(number: int) -> str:
        await trio.sleep(0.01 if number % 10 == 0 else 0)
        return str(number)

    hardened = harden(app, body_bytes=BODY_BYTES, stopping=trio.Event())
    guard = guarded_hypercorn(EdgeCounters())
    async with serving(hardened, guard=guard) as server, connected(server) as client:
        await client.send(b"".join(GET.replace(b"/ ", b"/%d " % number) for number in range(100)))
        for number in range(100):
            assert (await client.answer()).body == b"%d" % number


def mutated(chance: random.Random) -> bytes:
    """Splice two bad requests, or spoil a good WebSocket handshake with its frames."""
    if chance.random() < 0.5:
        one, other = (chance.choice(list(BAD.values()))[0][:5000] for _ in range(2))
        data = bytearray(one[: chance.randrange(len(one) + 1)] + other[chance.randrange(len(other)) :])
    else:
        data = bytearray(ECHO_HANDSHAKE + b"".join(chance.choices(FRAMES, k=4)))
    for _ in range(chance.choice([0, 1, 3])):
        place = chance.randrange(len(data))
        data[place : place + chance.randrange(4)] = chance.randbytes(chance.randrange(4))
    return bytes(data)


async def probe(server: Server, chance: random.Random) -> None:
    """Send mutated input in two parts, and leave without manners."""
    data = mutated(chance)
    half = chance.randrange(len(data) + 1)
    async with connected(server) as client:
        with suppress(trio.BrokenResourceError):
            await client.send(data[:half])
            await trio.sleep(chance.choice([0, 0.001, 0.01]))
            await client.send(data[half:])
            with trio.move_on_after(chance.choice([0, 0.01])):
                await client.closed()


@pytest.mark.parametrize("seed", range(3))
async def test_mutated_input_leaves_nothing_behind(
    seed: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread_body, "UNREAD_BODY_SECONDS", 0.05)
    monkeypatch.setattr(protocol, "CLOSE_SECONDS", 0.05)
    app, chance, slots = application(), random.Random(seed), trio.CapacityLimiter(20)

    @app.websocket("/echo")
    async def echo() -> None:
        await websocket.accept()
        with suppress(PeerLeftError):
            while True:
                await websocket.send(await websocket.receive())

    async def probe_in_turn() -> None:
        async with slots:
            await probe(server, chance)

    hardened = harden(app, body_bytes=BODY_BYTES, stopping=trio.Event())
    guard = guarded_hypercorn(EdgeCounters())
    async with serving(hardened, guard=guard, graceful_timeout=60) as server:
        async with trio.open_nursery() as nursery:
            for _ in range(300):
                nursery.start_soon(probe_in_turn)
        await server.serves()
        await server.stopped(within=PATIENCE)
    assert failures(caplog) == []


@pytest.mark.parametrize(
    "name",
    [
        *("no host", "two lengths", "unknown transfer encoding", "negative chunk", "HTTP/0.9", "TLS"),
        *("NUL in a header", "endless header", "endless URL"),
        *(name for name in BAD if name.startswith("WebSocket handshake")),
    ],
)
async def test_what_cannot_be_read_is_refused_with_its_reason_as_json(name: str) -> None:
    data, statuses = BAD[name]
    app = harden(application(), body_bytes=BODY_BYTES, stopping=trio.Event())
    async with serving(app, guard=guarded_hypercorn(EdgeCounters())) as server:
        async with connected(server) as client, trio.open_nursery() as nursery:
            nursery.start_soon(send_all, client, data)
            answer = await client.answer()
            nursery.cancel_scope.cancel()
        await server.serves()
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["connection"] == "close"
    carried = LIMIT_FIELDS if answer.status == 431 else set()
    assert set(msgspec.json.decode(answer.body)) == {"error"} | carried
    assert answer.status in statuses
