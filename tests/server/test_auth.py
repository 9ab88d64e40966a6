"""Keys in every form, on HTTP and WebSocket; what is open without one; exchange while running; foreign pages."""

from __future__ import annotations

import base64
import os
import signal

import httpx
import pytest
import trio
from hypercorn.typing import ASGIReceiveEvent, ASGISendEvent, ConnectionState, HTTPScope
from trio_websocket import ConnectionRejected

from logpulse.http.app import make_app

from .serving import PATIENCE, RunningServer, Servers, push, stream_of, until

KEY = "s3cret-key with blanks"
Headers = list[tuple[str, str]]


def basic(text: bytes) -> str:
    return "Basic " + base64.b64encode(text).decode()


@pytest.fixture
async def locked(serve: Servers) -> RunningServer:
    """Give a server that needs KEY."""
    return await serve(auth__enabled="true", auth__api_key=KEY)


GOOD: dict[str, Headers] = {
    "X-API-Key": [("X-API-Key", KEY)],
    "Bearer": [("Authorization", f"Bearer {KEY}")],
    "bearer in lower case": [("Authorization", f"bearer {KEY}")],
    "bare": [("Authorization", KEY)],
    "Basic": [("Authorization", basic(b"anyone:" + KEY.encode()))],
    "Basic without a user": [("Authorization", basic(b":" + KEY.encode()))],
    "the same twice": [("X-API-Key", KEY), ("Authorization", f"Bearer {KEY}")],
}
BAD: dict[str, Headers] = {
    "none": [],
    "wrong": [("X-API-Key", "wrong")],
    "longer": [("X-API-Key", KEY + "x")],
    "shorter": [("X-API-Key", KEY[:-1])],
    "empty": [("X-API-Key", "")],
    "Bearer alone": [("Authorization", "Bearer")],
    "Basic that is no base64": [("Authorization", "Basic !!!")],
    "Basic without a colon": [("Authorization", basic(KEY.encode()))],
    "Basic with the key as user": [("Authorization", basic(KEY.encode() + b":"))],
    "Basic that is no UTF-8": [("Authorization", basic(b"\xff:\xfe"))],
    "another scheme": [("Authorization", f"Digest {KEY}")],
    "a cookie": [("Cookie", f"key={KEY}")],
}


async def websocket_status(running: RunningServer, headers: Headers, parameters: str = "") -> int:
    """Open a tail; 101 if it is accepted, else the status of the refusal."""
    status = 101
    try:
        async with running.tail(parameters, headers) as tail:
            await tail.next_of("connected")
    except* ConnectionRejected as group:
        (rejected,) = group.exceptions
        assert isinstance(rejected, ConnectionRejected)
        assert b"error" in (rejected.body or b"")
        status = int(rejected.status_code)
    return status


async def test_good_keys(locked: RunningServer) -> None:
    async with locked.client() as client:
        for form, headers in GOOD.items():
            answer = await client.get("/labels", headers=headers)
            assert answer.status_code == 200, form
            assert await websocket_status(locked, headers) == 101, form


async def test_bad_keys(locked: RunningServer) -> None:
    texts = set()
    async with locked.client() as client:
        for form, headers in BAD.items():
            answer = await client.get("/labels", headers=headers)
            assert answer.status_code == 401, form
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="logpulse"'
            texts.add(answer.text)
            assert await websocket_status(locked, headers) == 401, form
    assert len(texts) == 1  # an attacker learns nothing


@pytest.mark.parametrize("value", [b"\xff\xfe", b"Bearer \xc3\xa9", b"Basic \xff", b"\xe6\xbc\xa2"])
async def test_keys_that_are_no_ascii_are_just_wrong(locked: RunningServer, value: bytes) -> None:
    async with locked.client() as client:
        for name in (b"X-API-Key", b"Authorization"):
            answer = await client.get("/labels", headers=[(name, value)])
            assert answer.status_code == 401


async def test_two_different_keys(locked: RunningServer) -> None:
    for second in ("wrong", KEY + "x"):
        headers = [("X-API-Key", KEY), ("Authorization", f"Bearer {second}")]
        async with locked.client() as client:
            assert (await client.get("/labels", headers=headers)).status_code == 400
            assert (await client.get("/health", headers=headers)).status_code == 400
        assert await websocket_status(locked, headers) == 400


@pytest.mark.parametrize("parameters", [f"?key={KEY}", f"?api_key={KEY}", "?a=b&key=x", "?k%65y=x"])
async def test_a_key_in_the_url_is_refused_even_beside_a_good_one(locked: RunningServer, parameters: str) -> None:
    parameters = parameters.replace(" ", "%20")
    async with locked.client(dict(GOOD["X-API-Key"])) as client:
        answer = await client.get("/labels" + parameters)
        assert (answer.status_code, KEY in answer.text) == (400, False)
    assert await websocket_status(locked, GOOD["X-API-Key"], parameters) == 400


OPEN = ("/", "/health", "/ready", "/livez", "/ui/session")
CLOSED = (
    "/metrics",
    "/labels",
    "/labels/a/values",
    "/query?query=x",
    "/nowhere",
    "/health/",
    "/HEALTH",
    "/ui",
    "/ui/session/",
)


async def test_what_is_open_without_a_key(locked: RunningServer) -> None:
    async with locked.client() as client:
        for path in OPEN:
            assert (await client.get(path)).status_code == 200, path
        for path in CLOSED:
            assert (await client.get(path)).status_code == 401, path
        for path in ("/ingest", "/query", "/nowhere"):
            assert (await client.post(path)).status_code == 401, path


async def test_a_body_without_a_key_is_not_read(locked: RunningServer) -> None:
    """Its sender is answered at the headers, before the body is there."""
    with trio.fail_after(PATIENCE):
        async with await trio.open_tcp_stream("127.0.0.1", locked.port) as stream:
            await stream.send_all(b"POST /ingest HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
            head = await stream.receive_some()
    assert head.startswith(b"HTTP/1.1 401")


async def test_without_auth_any_key_will_do(running: RunningServer) -> None:
    async with running.client({"X-API-Key": "whatever"}) as client:
        await push(client, stream_of(["x"]))
    assert await websocket_status(running, []) == 101
    assert await websocket_status(running, [("Authorization", "Bearer x")]) == 101


async def test_a_key_that_is_not_enabled_is_not_needed(serve: Servers) -> None:
    running = await serve(auth__enabled="false", auth__api_key=KEY)
    async with running.client() as client:
        assert (await client.get("/labels")).status_code == 200


ORIGINS = {
    "http://127.0.0.1:{port}": 101,
    "http://LOCALHOST": 403,
    "http://127.0.0.1": 403,
    "http://127.0.0.1:1": 403,
    "https://evil.example": 403,
    "http://127.0.0.1:{port}.evil.example": 403,
    "null": 403,
    "": 403,
    "http://[::1": 403,
    "http://\u2100": 403,
}


async def test_only_our_own_pages_may_open_a_websocket(running: RunningServer) -> None:
    for origin, status in ORIGINS.items():
        origin = origin.format(port=running.port)
        assert await websocket_status(running, [("Origin", origin)]) == status


async def test_one_foreign_origin_among_several_is_enough(running: RunningServer) -> None:
    own, foreign = ("Origin", running.url), ("Origin", "https://evil.example")
    assert await websocket_status(running, [own, own]) == 101
    assert await websocket_status(running, [own, foreign]) == 403
    assert await websocket_status(running, [foreign, own]) == 403


async def exchange(running: RunningServer, **settings: str) -> None:
    """Change the configuration and tell this process, which is the server's, to read it again."""
    before = running.services.keyring._digest
    running.settings.update({name.replace("__", "."): value for name, value in settings.items()})
    os.kill(os.getpid(), signal.SIGHUP)
    await until(lambda: running.services.keyring._digest != before)


async def test_sighup_exchanges_the_key(locked: RunningServer) -> None:
    async with locked.client() as client:
        await exchange(locked, auth__api_key="new")
        assert (await client.get("/labels", headers={"X-API-Key": KEY})).status_code == 401
        assert (await client.get("/labels", headers={"X-API-Key": "new"})).status_code == 200
        await exchange(locked, auth__enabled="false")
        assert (await client.get("/labels")).status_code == 200


async def test_an_exchanged_key_ends_the_tails_it_opened(locked: RunningServer) -> None:
    async with locked.tail("", GOOD["X-API-Key"]) as tail, locked.client({"X-API-Key": "new"}) as client:
        await tail.next_of("connected")
        await exchange(locked, auth__api_key="new")
        async with locked.tail("", [("X-API-Key", "new")]) as newer:
            await newer.next_of("connected")
            await push(client, stream_of(["for the new key only"]))
            assert await newer.message() == "for the new key only"
        assert await tail.close_code() == 1008


async def test_a_reload_without_a_new_key_ends_nothing(locked: RunningServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "logpulse")
    async with locked.tail("", GOOD["X-API-Key"]) as tail, locked.client(dict(GOOD["X-API-Key"])) as client:
        await tail.next_of("connected")
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: "was reloaded" in caplog.text)
        await push(client, stream_of(["still here"]))
        assert await tail.message() == "still here"


async def test_a_reload_of_a_bad_configuration_changes_nothing(
    locked: RunningServer, caplog: pytest.LogCaptureFixture
) -> None:
    locked.settings["server.port"] = "many"
    locked.settings["auth.api_key"] = "new"
    os.kill(os.getpid(), signal.SIGHUP)
    await until(lambda: "was not reloaded" in caplog.text)
    assert "server.port" in caplog.text
    async with locked.client() as client:
        assert (await client.get("/labels", headers={"X-API-Key": KEY})).status_code == 200


async def test_answers_show_no_key(locked: RunningServer, caplog: pytest.LogCaptureFixture) -> None:
    async with locked.client() as client:
        for path in (*OPEN, "/metrics", "/nowhere"):
            answer: httpx.Response = await client.get(path, headers={"X-API-Key": KEY})
            assert KEY not in answer.text
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    ("server", "status"),
    [
        (("127.0.0.1", 8080), 200),
        (("127.8.0.1", 8080), 200),
        (("::1", 8080), 200),
        (("::ffff:127.0.0.1", 8080), 200),
        (None, 200),  # a Unix socket
        (("192.0.2.1", 8080), 403),
        (("::ffff:192.0.2.1", 8080), 403),
        (("2001:db8::1", 8080), 403),
        (("0.0.0.0", 8080), 403),
        (("elsewhere", None), 403),
    ],
)
async def test_without_a_key_only_this_machine_is_served(
    running: RunningServer, server: tuple[str, int | None] | None, status: int
) -> None:
    assert await status_at(running, server) == status


async def test_a_key_or_a_decision_serves_other_machines(serve: Servers) -> None:
    anyone = await serve(server__allow_anonymous="true")
    assert await status_at(anyone, ("192.0.2.1", 8080)) == 200
    await anyone.stop()
    locked = await serve(auth__enabled="true", auth__api_key=KEY)
    assert await status_at(locked, ("192.0.2.1", 8080)) == 401


async def status_at(running: RunningServer, server: tuple[str, int | None] | None) -> int:
    """Ask the server's application for its labels, as if the request had arrived at the address `server`."""
    statuses = []
    events: list[ASGIReceiveEvent] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> ASGIReceiveEvent:
        if not events:
            await trio.sleep_forever()
        return events.pop()

    async def send(message: ASGISendEvent) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope: HTTPScope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/labels",
        "raw_path": b"/labels",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"x")],
        "client": None,
        "server": server,
        "state": ConnectionState({}),
        "extensions": {},
    }
    await make_app(running.services)(scope, receive, send)
    (status,) = statuses
    return status
