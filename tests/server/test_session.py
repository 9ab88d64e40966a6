"""The page's sign-in: the cookie, what it opens and to whom, how it ends, and how often a key may be guessed."""

from __future__ import annotations

import os
import signal
from http.cookies import Morsel, SimpleCookie

import httpx
import pytest
from trio_websocket import ConnectionRejected

from logpulse.limits import LOGIN_FAILURES_PER_MINUTE, SESSION_SECONDS, SMALL_JSON_BYTES

from .serving import JSON, RunningServer, Servers, body_of, push, stream_of, until

KEY = "s3cret-key with blanks"


@pytest.fixture
async def locked(serve: Servers) -> RunningServer:
    """Give a server that needs KEY."""
    return await serve(auth__enabled="true", auth__api_key=KEY)


async def sign_in(running: RunningServer, key: str = KEY, **headers: str) -> httpx.Response:
    async with running.client() as client:
        return await client.post("/ui/session", json={"key": key}, headers=headers)


def morsel(answer: httpx.Response) -> Morsel[str]:
    (text,) = answer.headers.get_list("Set-Cookie")
    return SimpleCookie(text)["logpulse_session"]


async def cookie_of(running: RunningServer) -> str:
    """Sign in and give the Cookie header."""
    return f"logpulse_session={morsel(await sign_in(running)).value}"


async def state(running: RunningServer, **headers: str) -> dict[str, object]:
    async with running.client(headers) as client:
        answer = await client.get("/ui/session")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    said: dict[str, object] = answer.json()
    assert set(said) == {"required", "signedIn", "version"}
    return {name: said[name] for name in ("required", "signedIn")}


async def test_the_state_says_whether_to_ask_for_a_key(locked: RunningServer) -> None:
    assert await state(locked) == {"required": True, "signedIn": False}
    assert await state(locked, Cookie="logpulse_session=x") == {"required": True, "signedIn": False}
    assert await state(locked, Cookie=await cookie_of(locked)) == {"required": True, "signedIn": True}
    assert await state(locked, **{"X-API-Key": KEY}) == {"required": True, "signedIn": True}


async def test_without_auth_there_is_nothing_to_sign_in_to(running: RunningServer) -> None:
    assert await state(running) == {"required": False, "signedIn": True}
    answer = await sign_in(running, "anything")
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (204, False)


async def test_the_cookie_is_kept_from_scripts_and_other_sites(locked: RunningServer) -> None:
    answer = await sign_in(locked)
    assert (answer.status_code, answer.content) == (204, b"")
    cookie = morsel(answer)
    assert KEY not in cookie.value
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    assert (cookie["max-age"], cookie["domain"], cookie["secure"]) == (str(SESSION_SECONDS), "", "")
    behind_tls = morsel(await sign_in(locked, Origin="https://logs.example"))
    assert behind_tls["secure"] is True


async def test_the_key_may_have_blanks_around_it_but_must_be_the_key(locked: RunningServer) -> None:
    assert (await sign_in(locked, f" {KEY}\n")).status_code == 204
    texts = set()
    for wrong in ("", "x", KEY[:-1], KEY + "x", "ключ", "\x00"):
        answer = await sign_in(locked, wrong)
        assert (answer.status_code, "Set-Cookie" in answer.headers) == (401, False)
        texts.add(answer.text)
    assert len(texts) == 1


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"key":1}', "application/json", 400),
        (b'{"key":"\\ud800"}', "application/json", 400),
        (b'{"key":"\xff"}', "application/json", 400),
        (b'{"other":"x"}', "application/json", 400),
        (b'{"key":"' + b"x" * SMALL_JSON_BYTES + b'"}', "application/json", 413),
        (b'{"key":"x"}', "text/plain", 415),
        (b"key=x", "application/x-www-form-urlencoded", 415),
    ],
)
async def test_what_is_no_sign_in(locked: RunningServer, body: bytes, content_type: str, status: int) -> None:
    async with locked.client() as client:
        answer = await client.post("/ui/session", content=body, headers={"Content-Type": content_type})
    assert answer.status_code == status
    assert answer.json()["error"]


async def test_the_cookie_reads_on_every_route_a_key_opens(locked: RunningServer) -> None:
    async with locked.client({"Cookie": await cookie_of(locked)}) as client:
        for path in ("/labels", "/query?query=%7Ba%3D%22b%22%7D", "/metrics", "/loki/api/v1/labels"):
            assert (await client.get(path)).status_code == 200, path
        assert "version" in (await client.get("/health")).json()
        assert (await client.get("/nowhere")).status_code == 404
        assert (await client.head("/labels")).status_code == 200


async def test_a_cookie_among_others_is_found(locked: RunningServer) -> None:
    good = await cookie_of(locked)
    for text, status in (
        (f"a=b; {good}; c=d", 200),
        (f"logpulse_session=stale; {good}", 200),
        (f"{good};", 200),
        (f"x{good}", 401),
        (good.replace("=", "", 1), 401),
        (f'logpulse_session="{good.partition("=")[2]}"', 401),
        (good + "x", 401),
        ("logpulse_session=", 401),
        ("logpulse_session", 401),
        (";;=;", 401),
    ):
        async with locked.client({"Cookie": text}) as client:
            assert (await client.get("/labels")).status_code == status, text


async def test_a_key_that_is_sent_counts_before_the_cookie(locked: RunningServer) -> None:
    cookie = await cookie_of(locked)
    async with locked.client({"Cookie": cookie, "X-API-Key": "wrong"}) as client:
        assert (await client.get("/labels")).status_code == 401
    async with locked.client({"Cookie": cookie, "X-API-Key": KEY}) as client:
        await push(client, stream_of(["no Origin is needed with a key"]))


FOREIGN = ("https://evil.example", "http://127.0.0.1:1", "http://127.0.0.1", "null", "", "http://[::1")


async def test_what_may_change_something_wants_our_own_origin(locked: RunningServer) -> None:
    cookie = await cookie_of(locked)
    body = body_of(stream_of(["x"]))
    async with locked.client({"Cookie": cookie}) as client:
        for method, path in (("POST", "/ingest"), ("POST", "/query"), ("POST", "/flush"), ("DELETE", "/ui/session")):
            assert (await client.request(method, path, content=body, headers=JSON)).status_code == 403
            for origin in FOREIGN:
                answer = await client.request(method, path, content=body, headers={**JSON, "Origin": origin})
                assert (answer.status_code, "Origin" in answer.json()["error"]) == (403, True), origin
        for origin in (locked.url, locked.url.upper().replace("HTTP", "http")):
            answer = await client.post("/ingest", content=body, headers={**JSON, "Origin": origin})
            assert answer.status_code == 200
        twice = [("Content-Type", "application/json"), ("Origin", locked.url), ("Origin", "https://evil.example")]
        assert (await client.post("/ingest", content=body, headers=twice)).status_code == 403


async def websocket_status(running: RunningServer, headers: list[tuple[str, str]]) -> int:
    status = 101
    try:
        async with running.tail("", headers) as tail:
            await tail.connected()
    except* ConnectionRejected as group:
        (rejected,) = group.exceptions
        assert isinstance(rejected, ConnectionRejected)
        status = int(rejected.status_code)
    return status


async def test_a_tail_by_cookie_wants_our_own_origin(locked: RunningServer) -> None:
    cookie, stale = ("Cookie", await cookie_of(locked)), ("Cookie", "logpulse_session=1.9999999999." + "0" * 64)
    own = ("Origin", locked.url)
    assert await websocket_status(locked, [cookie, own]) == 101
    assert await websocket_status(locked, [cookie]) == 403
    assert await websocket_status(locked, [stale, own]) == 401
    for origin in FOREIGN:
        assert await websocket_status(locked, [cookie, ("Origin", origin)]) == 403, origin


async def test_signing_out_takes_the_cookie_back(locked: RunningServer) -> None:
    cookie = await cookie_of(locked)
    async with locked.client() as client:
        for headers in ({"Cookie": cookie, "Origin": locked.url}, {"Cookie": "logpulse_session=old"}, {}):
            answer = await client.delete("/ui/session", headers=headers)
            assert answer.status_code == 204
            gone = morsel(answer)
            assert (gone.value, gone["max-age"], gone["path"], gone["httponly"]) == ("", "0", "/", True)


async def test_a_session_ends_in_time_and_outlives_a_restart(serve: Servers) -> None:
    first = await serve(auth__enabled="true", auth__api_key=KEY)
    cookie = await cookie_of(first)
    await first.stop()
    second = await serve(auth__enabled="true", auth__api_key=KEY)
    assert (await state(second, Cookie=cookie))["signedIn"] is True
    later = second.services.keyring._clock() + SESSION_SECONDS
    second.services.keyring._clock = lambda: later
    assert (await state(second, Cookie=cookie))["signedIn"] is False


async def test_an_exchanged_key_ends_sessions_and_their_tails(locked: RunningServer) -> None:
    cookie = await cookie_of(locked)
    async with locked.tail("", [("Cookie", cookie), ("Origin", locked.url)]) as tail:
        await tail.connected()
        before = locked.services.keyring._digest
        locked.settings["auth.api_key"] = "new"
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: locked.services.keyring._digest != before)
        assert await tail.close_code() == 1008
    assert (await state(locked, Cookie=cookie))["signedIn"] is False


async def test_keys_cannot_be_guessed_at_any_rate(locked: RunningServer, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        assert (await sign_in(locked)).status_code == 204  # which counts for nothing
    for _ in range(LOGIN_FAILURES_PER_MINUTE):
        assert (await sign_in(locked, "guessed-key")).status_code == 401
    refused = await sign_in(locked)
    assert (refused.status_code, "Set-Cookie" in refused.headers) == (429, False)
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert "sign-ins" in refused.json()["error"]
    async with locked.client({"X-API-Key": KEY}) as client:
        assert (await client.get("/labels")).status_code == 200
    assert "a sign-in from 127.0.0.1 failed" in caplog.text
    assert "guessed-key" not in caplog.text
    assert KEY not in caplog.text
