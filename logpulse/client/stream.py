"""One WebSocket to `/stream`: open, hand over each message, close; errors mapped once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import NoReturn

import attrs
import h11
import trio
import wsproto.utilities
from trio_websocket import ConnectionClosed, ConnectionRejected, HandshakeError, WebSocketConnection, wrap_client_stream

from logpulse.client.address import ServerAddress
from logpulse.client.api import bad_query, read_problem
from logpulse.client.failure import (
    ServerRefusedError,
    ServerUnreachableError,
    StreamEndedError,
    UnexpectedAnswerError,
    first_of,
    reason_of,
)
from logpulse.errors import LogPulseError
from logpulse.limits import CONNECT_SECONDS, KIB, TAIL_FRAME_BYTES, TAIL_LINGER_SECONDS, TAIL_SILENCE_SECONDS
from logpulse.model.backoff import parse_retry_after

Headers = Mapping[str, str]


@attrs.frozen
class Listener:
    """Take what one connection brings: the headers of the server's consent, then each message."""

    opened: Callable[[Headers], None]
    received: Callable[[str | bytes], None]


async def listen(server: ServerAddress, parameters: Mapping[str, str], listener: Listener) -> NoReturn:
    """Open `/stream` with `parameters` and hand its messages over until the connection ends.

    Cancellation and errors of the listener close the connection; the server has TAIL_LINGER_SECONDS to agree.

    Raises:
        BadQueryError: the server answered 400.
        ServerRefusedError: it answered with another status that is no success.
        ServerUnreachableError: there is no connection, or it ended; also after TAIL_SILENCE_SECONDS without a message.
        UnexpectedAnswerError: what is there does not speak WebSocket.
        Exception: whatever the listener raises, unless LogPulseError in a group of its own.
    """
    failure: LogPulseError | None = None
    route = server.route("stream")
    try:
        stream = await _dial(server)
        async with trio.open_nursery() as nursery:
            await _converse(nursery, stream, server, parameters, listener)
    except* ConnectionRejected as group:
        failure = _rejection(first_of(group), route, parameters)
    except* ConnectionClosed as group:
        failure = _ended(first_of(group), server.url)
    except* (HandshakeError, wsproto.utilities.ProtocolError, h11.ProtocolError) as group:
        failure = UnexpectedAnswerError(route, f"does not speak WebSocket as RFC 6455 has it: {first_of(group)}")
    except* LogPulseError as group:
        failure = first_of(group)
    if failure is None:
        raise AssertionError("the conversation can end only with an error")
    raise failure


async def _dial(server: ServerAddress) -> trio.abc.Stream:
    try:
        with trio.fail_after(CONNECT_SECONDS):
            stream = await trio.open_tcp_stream(server.host, server.port)
            if not server.secure:
                return stream
            secured = trio.SSLStream(stream, server.trust(), server_hostname=server.host, https_compatible=True)
            try:
                await secured.do_handshake()
            except BaseException:
                await trio.aclose_forcefully(stream)
                raise
            return secured
    except trio.TooSlowError:
        raise ServerUnreachableError(server.url, f"no connection within {CONNECT_SECONDS} s") from None
    except (OSError, trio.BrokenResourceError) as error:
        raise ServerUnreachableError(server.url, reason_of(error)) from error


async def _converse(
    nursery: trio.Nursery,
    stream: trio.abc.Stream,
    server: ServerAddress,
    parameters: Mapping[str, str],
    listener: Listener,
) -> NoReturn:
    """Run the WebSocket, its reader in `nursery`.

    trio-websocket's own context manager is not used: when the closing handshake fails it raises that instead of the
    Ctrl+C which asked for it, and it writes an IPv6 address into the Host header without brackets.
    """
    connection: WebSocketConnection | None = None
    try:
        with trio.move_on_after(CONNECT_SECONDS):
            connection = await wrap_client_stream(
                nursery,
                _HandshakeStream(stream, server.url),  # type: ignore[arg-type] # any stream will do
                server.authority,
                server.resource("stream", parameters),
                extra_headers=[(name.encode(), value.encode()) for name, value in server.headers.items()],
                max_message_size=TAIL_FRAME_BYTES,
                receive_buffer_size=64 * KIB,
            )
        if connection is None:
            raise ServerUnreachableError(server.url, f"no answer within {CONNECT_SECONDS} s")
        listener.opened(
            {name.decode("latin-1"): value.decode("latin-1") for name, value in connection.handshake_headers}
        )
        while True:
            listener.received(await _next_message(connection, server))
    finally:
        if connection is not None:
            with trio.move_on_after(TAIL_LINGER_SECONDS, shield=True):
                await connection.aclose()
        # Closing the WebSocket leaves the stream open when it was the server that began.
        await trio.aclose_forcefully(stream)


async def _next_message(connection: WebSocketConnection, server: ServerAddress) -> str | bytes:
    """Wait for a message; the server sends a heartbeat when there is nothing else, so silence is a dead connection."""
    with trio.move_on_after(TAIL_SILENCE_SECONDS):
        message: str | bytes = await connection.get_message()
        return message
    raise StreamEndedError(server.url, f"nothing came for {TAIL_SILENCE_SECONDS} s")


class _HandshakeStream(trio.abc.Stream):
    """Pass bytes through, and raise where the peer leaves before it sent any: trio-websocket would wait on.

    Proxies of containers take connections for servers that are not up, and drop them at once.
    """

    def __init__(self, stream: trio.abc.Stream, url: str) -> None:
        self._stream = stream
        self._url = url
        self._answered = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        try:
            data = await self._stream.receive_some(max_bytes)
        except trio.BrokenResourceError as error:
            if self._answered:
                raise
            raise ServerUnreachableError(self._url, reason_of(error)) from error
        if not data and not self._answered:
            raise ServerUnreachableError(self._url, "it took the connection and closed it without an answer")
        self._answered = True
        return data

    async def aclose(self) -> None:
        await self._stream.aclose()


def _rejection(error: ConnectionRejected, route: str, parameters: Mapping[str, str]) -> LogPulseError:
    problem = read_problem(error.body or b"")
    try:
        phrase = HTTPStatus(error.status_code).phrase
    except ValueError:
        phrase = "no reason given"
    if error.status_code == HTTPStatus.BAD_REQUEST:
        return bad_query(parameters.get("query", ""), problem, phrase)
    if error.status_code < HTTPStatus.BAD_REQUEST:
        return UnexpectedAnswerError(route, f"answered {error.status_code} ({phrase}) instead of opening a WebSocket")
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in error.headers or ()}
    retry_after = parse_retry_after(headers.get("retry-after"), time.time())
    return ServerRefusedError(route, error.status_code, problem.error or phrase, retry_after)


def _ended(error: ConnectionClosed, url: str) -> StreamEndedError:
    """Say how the connection ended: with the reason of its close frame, or with what its code means here."""
    closing = error.reason
    if closing is None or closing.code == 1006:
        return StreamEndedError(url, "the connection broke")
    meaning = {
        1001: "the server stops",
        1008: "against its policy",
        1011: "internal error",
        1013: "this tail is too slow",
    }
    reason = closing.reason or meaning.get(closing.code, closing.name)
    return StreamEndedError(url, f"closed with {closing.code}: {reason}", closing.code)
