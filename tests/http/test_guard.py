"""The guards as a whole: no peer stops the server, speaks anything but HTTP/1, or takes all connections."""

from __future__ import annotations

import logging

import hypercorn.protocol
import hypercorn.protocol.h11
import hypercorn.trio.run
import msgspec
import pytest
import trio
import trio.testing
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.protocol.ws_stream import WSStream
from hypercorn.trio.tcp_server import TCPServer

from logpulse.http.guard import EdgeCounters, guarded_hypercorn

from .harness import GET, HANDSHAKE, PATIENCE, connected, greet, serving

KILLERS = {
    "a byte behind a WebSocket handshake": HANDSHAKE + b"\r\nx",
    "a subprotocol that is no text": HANDSHAKE + b"Sec-WebSocket-Protocol: \xff\r\n\r\n",
}


@pytest.fixture
def counters() -> EdgeCounters:
    return EdgeCounters()


# -- no peer stops the server -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("killer", KILLERS.values(), ids=KILLERS)
async def test_a_killer_is_refused_and_counted(
    killer: bytes, counters: EdgeCounters, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(greet, guard=guarded_hypercorn(counters)) as server:
        async with connected(server) as client:
            await client.send(killer)
            answer = await client.answer()
            await client.closed()
        assert answer.status == 400
        assert "error" in msgspec.json.decode(answer.body)
        await server.serves()
        await server.stopped(within=PATIENCE)
    assert counters == EdgeCounters(connection_errors=1)
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.name for record in warnings] == ["logpulse.http"]
    assert warnings[0].exc_info is None


@pytest.mark.parametrize("killer", KILLERS.values(), ids=KILLERS)
async def test_a_killer_stops_a_stock_server(killer: bytes) -> None:
    async with serving(greet) as server, connected(server) as client:
        await client.send(killer)
        with trio.fail_after(PATIENCE):
            await server.ended.wait()
        assert server.error is not None


async def test_any_error_of_a_connection_ends_only_that_connection(
    counters: EdgeCounters, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(protocol: H11Protocol, request: object) -> None:
        monkeypatch.undo()
        raise KeyError("stream 7")

    async with serving(greet, guard=guarded_hypercorn(counters)) as server:
        monkeypatch.setattr(H11Protocol, "_create_stream", fail)
        async with connected(server) as client:
            await client.send(GET)
            assert await client.closed() == b""
        await server.serves()
        await server.stopped(within=PATIENCE)
    assert counters == EdgeCounters(connection_errors=1)


# -- nothing but HTTP/1 -----------------------------------------------------------------------------------------------

PRIOR_KNOWLEDGE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
OFFER_H2C = (
    b"GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
)


@pytest.mark.parametrize("opening", [PRIOR_KNOWLEDGE, b"GET / HTTP/9.9\r\nHost: test\r\n\r\n"])
async def test_another_version_of_http_is_refused_and_counted(opening: bytes, counters: EdgeCounters) -> None:
    async with serving(greet, guard=guarded_hypercorn(counters)) as server:
        async with connected(server) as client:
            await client.send(opening)
            answer = await client.answer()
            assert await client.closed() == b""
        assert answer.status == 505
        assert "HTTP/1.1" in msgspec.json.decode(answer.body)["error"]
        await server.serves()
        await server.stopped(within=PATIENCE)
    assert counters == EdgeCounters(http2_refused=1)


async def test_a_stock_server_speaks_http2_without_tls() -> None:
    async with serving(greet) as server, connected(server) as client:
        await client.send(PRIOR_KNOWLEDGE)
        settings_frame_type = (await client.receive())[3]
        assert settings_frame_type == 4


async def test_an_offer_of_h2c_is_served_as_http1(counters: EdgeCounters) -> None:
    async with serving(greet, guard=guarded_hypercorn(counters)) as server, connected(server) as client:
        for _ in range(2):
            await client.send(OFFER_H2C)
            answer = await client.answer()
            assert (answer.early, answer.status) == ((), 200)
    assert counters == EdgeCounters()


async def test_a_stock_server_takes_an_offer_of_h2c() -> None:
    async with serving(greet) as server, connected(server) as client:
        await client.send(OFFER_H2C)
        assert (await client.head()).startswith(b"HTTP/1.1 101")


# -- connections are bounded ------------------------------------------------------------------------------------------


async def test_connections_over_the_limit_are_answered_503_and_counted(counters: EdgeCounters) -> None:
    async with serving(greet, guard=guarded_hypercorn(counters, connections=2)) as server:
        async with connected(server) as first, connected(server) as second:
            for client in (first, second):
                await client.send(GET)
                assert (await client.answer()).status == 200
            async with connected(server) as third:
                answer = await third.answer()
            assert (answer.status, answer.headers["retry-after"]) == (503, "1")
            assert "limited to 2" in msgspec.json.decode(answer.body)["error"]
            assert counters == EdgeCounters(connections_refused=1)
            await first.send_eof()
            assert await first.closed() == b""
        await trio.testing.wait_all_tasks_blocked()
        await server.serves()


# -- the guards fit the Hypercorn that is installed -------------------------------------------------------------------


def test_hypercorn_is_restored() -> None:
    replaced = [
        (hypercorn.trio.run, "TCPServer"),
        (hypercorn.protocol, "H11Protocol"),
        (hypercorn.protocol.h11, "WSStream"),
    ]

    def found() -> list[object]:
        return [getattr(module, name) for module, name in replaced]

    stock = [TCPServer, H11Protocol, WSStream]
    assert found() == stock
    with guarded_hypercorn(EdgeCounters()):
        outer = found()
        assert not set(outer) & set(stock)
        with pytest.raises(KeyError), guarded_hypercorn(EdgeCounters()):
            raise KeyError
        assert found() == outer
    assert found() == stock


@pytest.mark.parametrize(
    ("owner", "method"),
    [(TCPServer, "run"), (TCPServer, "protocol_send"), (H11Protocol, "_check_protocol"), (WSStream, "_send_pings")],
)
def test_a_hypercorn_without_a_guarded_method_is_refused(
    owner: type, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(owner, method)
    with pytest.raises(RuntimeError, match=rf"do not fit Hypercorn 0\.\d+\.\d+: {owner.__name__} has no {method}"):
        guarded_hypercorn(EdgeCounters()).__enter__()


def test_a_hypercorn_with_a_changed_method_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def protocol_send(self: TCPServer, event: object, urgent: bool) -> None:
        pass

    monkeypatch.setattr(TCPServer, "protocol_send", protocol_send)
    with pytest.raises(RuntimeError, match=r"TCPServer\.protocol_send takes \(self event urgent\), not \(self event\)"):
        guarded_hypercorn(EdgeCounters()).__enter__()


def test_a_hypercorn_without_a_replaced_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(hypercorn.trio.run, "TCPServer")
    with pytest.raises(RuntimeError, match=r"hypercorn\.trio\.run has no TCPServer"):
        guarded_hypercorn(EdgeCounters()).__enter__()
