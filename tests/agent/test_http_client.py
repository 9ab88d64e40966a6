"""The connection to the server: whom it trusts, where it goes, how long it waits."""

from __future__ import annotations

import socket
import ssl
import subprocess
from pathlib import Path

import pytest
import trio

from agent.config import ServerConfig
from agent.http_client import HttpClient, NoAnswerError
from logpulse.model.setting import Secret, seconds

from .fake_server import FakeServer, Reply
from .running import PATIENCE


@pytest.fixture(scope="module")
def own_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a file with a key and a certificate for 127.0.0.1 that no authority has signed."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    key = path.with_name("key.pem")
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    subprocess.run([*command, "-keyout", str(key), "-out", str(path)], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + key.read_bytes())
    return path


@pytest.mark.parametrize("is_trusted", [True, False])
async def test_a_server_is_trusted_by_its_certificate_alone(
    own_certificate: Path, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch, is_trusted: bool
) -> None:
    """Somebody in between gets neither key nor lines."""
    received: list[bytes] = []
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(own_certificate)

    async def serve(stream: trio.SSLStream[trio.SocketStream]) -> None:
        try:
            received.append(bytes(await stream.receive_some()))
            await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        except trio.BrokenResourceError:
            pass
        finally:
            await trio.aclose_forcefully(stream)

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, serve, [trio.SSLListener(listener, context)])
    port = listener.socket.getsockname()[1]
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(own_certificate))
    else:
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    client = HttpClient(ServerConfig(url=f"https://127.0.0.1:{port}", api_key=Secret("key")))
    try:
        with trio.fail_after(PATIENCE):
            if is_trusted:
                assert (await client.push(b"{}")).status == 200
            else:
                with pytest.raises(NoAnswerError, match="certificate"):
                    await client.push(b"{}")
    finally:
        await client.aclose()
    assert len(received) == is_trusted


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirection_is_not_followed(server: FakeServer, nursery: trio.Nursery, status: int) -> None:
    """It would hand the key to another host."""
    other = FakeServer()
    await other.start(nursery)
    server.always = Reply(status, headers=(("location", f"{other.url}/ingest"),))
    client = HttpClient(ServerConfig(url=server.url, api_key=Secret("key")))
    try:
        assert (await client.push(b"{}")).status == status
    finally:
        await client.aclose()
    assert other.headers == []


async def test_a_connection_that_is_not_taken_in_time() -> None:
    """Of a machine that drops packets; a full queue of connections looks the same."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        client = HttpClient(ServerConfig(url=url, connect_timeout=seconds(0.05), answer_timeout=seconds(3600)))
        try:
            with trio.fail_after(PATIENCE), pytest.raises(NoAnswerError, match="ConnectTimeout"):
                await client.push(b"{}")
        finally:
            await client.aclose()
            for each in waiting:
                each.close()
