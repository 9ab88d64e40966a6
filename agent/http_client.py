"""The connection to the server: one request at a time, and a fresh client after each that failed."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from importlib.metadata import PackageNotFoundError, version

import attrs
import httpx

from agent.config import ServerConfig
from logpulse.errors import ConfigError, LogPulseError
from logpulse.limits import AGENT_ANSWER_BYTES, AGENT_ANSWER_SKIPPED_BYTES


@attrs.define(eq=False, slots=False)
class NoAnswerError(LogPulseError):
    """Say why a request got no answer; the server may have taken it or not."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@attrs.frozen
class RawAnswer:
    """Hold an answer; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Body(httpx.AsyncByteStream):
    """Give a body in one piece. httpx does so by a generator, which complains when a request fails before its end."""

    def __init__(self, data: bytes) -> None:
        self._pieces = iter((data,))

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            return piece
        raise StopAsyncIteration


class HttpClient:
    """Push to one server. Not for two tasks at once: httpx loses connections when a waiting request is cancelled.

    Raises ConfigError, when made, for a host that httpx will not connect to.
    """

    def __init__(self, server: ServerConfig) -> None:
        self._url = server.url.rstrip("/") + "/ingest"
        try:
            httpx.URL(self._url)
        except httpx.InvalidURL as error:
            raise ConfigError("server.url", f"{error}, got {server.url!r}") from error
        self._headers = {"Content-Type": "application/json", "User-Agent": _user_agent()}
        if server.api_key:
            self._headers["Authorization"] = f"Bearer {server.api_key}"
        answer = server.answer_timeout.seconds
        self._timeout = httpx.Timeout(answer, connect=server.connect_timeout.seconds)
        # Reading the certificates takes 20 ms; a fresh client shall not do it anew.
        self._trust: ssl.SSLContext | bool = httpx.create_ssl_context() if self._url.startswith("https") else False
        self._client = self._fresh_client()

    def _fresh_client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            headers=self._headers, timeout=self._timeout, verify=self._trust, follow_redirects=False
        )

    async def push(self, body: bytes) -> RawAnswer:
        """Send the body of a push and give the answer. Cancelled, it leaves open whether the server took it.

        Raises:
            NoAnswerError: there is no connection, or it ended before the answer, or the answer took too long.
        """
        try:
            request = self._client.build_request("POST", self._url, content=body)
            request.stream = _Body(body)
            response = await self._client.send(request, stream=True)
            async with aclosing(response):
                return RawAnswer(response.status_code, response.headers, await _read(response))
        except httpx.HTTPError as error:
            await self.aclose()
            self._client = self._fresh_client()
            raise NoAnswerError(_reason(error)) from error

    async def aclose(self) -> None:
        """Close the connection."""
        await self._client.aclose()


def _reason(error: httpx.HTTPError) -> str:
    """Say what failed. httpx has no words for what goes wrong with TLS; what it was raised for has."""
    cause: BaseException | None = error
    while cause is not None and not str(cause):
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__ + (f": {cause}" if cause is not None else "")


async def _read(response: httpx.Response) -> bytes:
    """Keep the beginning of an answer. The rest is read too, up to a point: the connection can be used again then."""
    kept = bytearray()
    size = 0
    async for piece in response.aiter_bytes():
        kept += piece[: AGENT_ANSWER_BYTES - len(kept)]
        size += len(piece)
        if size > AGENT_ANSWER_SKIPPED_BYTES:
            break
    return bytes(kept)


def _user_agent() -> str:
    try:
        return f"logpulse-agent/{version('logpulse')}"
    except PackageNotFoundError:
        return "logpulse-agent"
