"""The built page over HTTP: its files with and without gzip, 304, HEAD, policies, and no way out of its folder."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import httpx
import pytest
import trio

from .built_page import FILES, SCRIPT, write_page
from .serving import PATIENCE, RunningServer, Servers

KEY = "k"
SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@pytest.fixture
def static(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder of a built page, which servers of this test find."""
    folder = write_page(tmp_path / "web")
    monkeypatch.setattr("logpulse.http.app.PAGE_FOLDER", folder)
    return folder


@pytest.fixture
async def locked(static: Path, serve: Servers) -> RunningServer:
    """Give a server that has the page and needs a key."""
    return await serve(auth__enabled="true", auth__api_key=KEY)


async def test_the_page_and_all_its_files_need_no_key(locked: RunningServer) -> None:
    async with locked.client() as client:
        for name, text in FILES.items():
            answer = await client.get(f"/{name}")
            assert answer.status_code == 200, name
            if name != "index.html":
                assert answer.text == text
            for header, value in SAFE.items():
                assert answer.headers[header] == value
        root = await client.get("/")
        assert root.status_code == 200
        assert re.search(r'nonce="[\w-]{22}"', root.text)
        assert (await client.get("/?q=%7Ba%3D%22b%22%7D&from=now-1h")).status_code == 200
        assert (await client.get("/labels")).status_code == 401
        assert (await client.get("/assets/missing-DiwrgTda.js")).status_code == 401
        assert (await client.get("/?key=k")).status_code == 400  # it would end in logs and histories
    async with locked.client({"X-API-Key": KEY}) as client:
        assert (await client.get("/assets/missing-DiwrgTda.js")).status_code == 404


async def test_the_policy_admits_what_the_page_is_made_of(static: Path, running: RunningServer) -> None:
    async with running.client() as client:
        index, script = await client.get("/"), await client.get(f"/{SCRIPT}")
    (nonce,) = re.findall(r'nonce="([\w-]{22})"', index.text)
    policy = dict(each.strip().split(" ", 1) for each in index.headers["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": f"'self' 'nonce-{nonce}'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "font-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    assert "nonce" not in script.headers["Content-Security-Policy"]
    assert index.headers["Cache-Control"] == "no-cache"
    assert script.headers["Cache-Control"] == "public, max-age=31536000, immutable"


async def test_a_second_visit_is_answered_304(static: Path, running: RunningServer) -> None:
    async with running.client() as client:
        for path in ("/", *(f"/{name}" for name in FILES)):
            first = await client.get(path)
            again = await client.get(path, headers={"If-None-Match": first.headers["ETag"]})
            assert (again.status_code, again.content) == (304, b""), path
            for header in ("ETag", "Cache-Control", "Content-Security-Policy"):
                assert again.headers[header] == first.headers[header]
            assert (await client.get(path, headers={"If-None-Match": '"other"'})).status_code == 200


async def test_gzip_on_and_off(static: Path, running: RunningServer) -> None:
    async with running.client() as client:
        packed = await client.get(f"/{SCRIPT}", headers={"Accept-Encoding": "gzip"})
        plain = await client.get(f"/{SCRIPT}", headers={"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.text == plain.text == FILES[SCRIPT]
    assert int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"]) == len(FILES[SCRIPT])
    assert packed.headers["ETag"] != plain.headers["ETag"]


async def test_head_tells_what_get_would(static: Path, running: RunningServer) -> None:
    async with running.client() as client:
        for path in ("/", *(f"/{name}" for name in FILES)):
            head, get = await client.head(path), await client.get(path)
            assert (head.status_code, head.content) == (200, b""), path
            differing = {"date", "etag", "content-security-policy"} if path in ("/", "/index.html") else {"date"}
            kept = [{k: v for k, v in each.headers.items() if k not in differing} for each in (head, get)]
            assert kept[0] == kept[1]
            unchanged = await client.head(path, headers={"If-None-Match": get.headers["ETag"]})
            assert unchanged.status_code == 304


async def test_a_connection_goes_on_after_each_kind_of_answer(static: Path, running: RunningServer) -> None:
    requests = [
        f"{method} {path} HTTP/1.1\r\nHost: x\r\n" for method in ("HEAD", "GET") for path in ("/", f"/{SCRIPT}")
    ]
    last = "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    text = b""
    async with await trio.open_tcp_stream("127.0.0.1", running.port) as stream:
        with trio.fail_after(PATIENCE):
            for request in (*requests, requests[3] + "If-None-Match: *\r\n", last):
                await stream.send_all(f"{request}\r\n".encode())
            while data := await stream.receive_some():
                text += data
    assert [int(each) for each in re.findall(rb"HTTP/1.1 (\d+)", text)] == [200, 200, 200, 200, 304, 200]
    assert text.endswith(b"alive")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_the_page_is_only_read(static: Path, running: RunningServer, method: str) -> None:
    async with running.client() as client:
        refused = await client.request(method, "/")
        assert (refused.status_code, "GET" in refused.headers["Allow"]) == (405, True)
        assert (await client.request(method, f"/{SCRIPT}")).status_code == 404


OUTWARD = [
    "/../secret.txt",
    "/assets/../../secret.txt",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "/%2e%2e%2fsecret.txt",
    "/%252e%252e%252fsecret.txt",
    "/..%5csecret.txt",
    "/%c0%ae%c0%ae/secret.txt",
    "//secret.txt",
    "//etc/passwd",
    "/assets",
    "/assets/",
    "/./index.html",
    "/index.html/",
    "/INDEX.HTML",
    "/index.html%00",
    "/static/index.html",
]


async def test_no_path_leads_out_of_the_folder(static: Path, running: RunningServer) -> None:
    for path in OUTWARD:
        async with await trio.open_tcp_stream("127.0.0.1", running.port) as stream:
            with trio.fail_after(PATIENCE):
                await stream.send_all(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                text = b""
                while data := await stream.receive_some():
                    text += data
        assert re.match(rb"HTTP/1.1 (400|404|308)", text), path
        assert b"secret" not in text.partition(b"\r\n\r\n")[2].replace(b"secret.txt", b""), path


async def test_no_request_reads_the_disk(static: Path, client: httpx.AsyncClient) -> None:
    shutil.rmtree(static)
    for name in FILES:
        assert (await client.get(f"/{name}")).status_code == 200


async def test_half_a_page_is_none(static: Path, serve: Servers) -> None:
    (static / "index.html").unlink()
    running = await serve()
    async with running.client() as client:
        answer = await client.get("/")
        assert (answer.status_code, "make page" in answer.text) == (200, True)
        assert (await client.get(f"/{SCRIPT}")).status_code == 404
