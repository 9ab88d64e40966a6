"""Let in only who has the key, before a byte of the body is read; and keep foreign web pages off the WebSockets."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import time
from collections.abc import Callable, Container
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import attrs
import trio
from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope, WebsocketScope

from logpulse.errors import UnauthorizedError
from logpulse.http.refusal import Refusal
from logpulse.http.session_token import SessionSigner

OPEN_PATHS: Final = frozenset({"/", "/health", "/ready", "/livez", "/ui/session"})
"""Routes without secrets: probes have no key, the page tells how to send one, and its sign-in takes it."""

SESSION_COOKIE: Final = "logpulse_session"
"""Holds a token of the keyring, in the browser of somebody who has signed in at the page."""

_NOT_LOCAL: Final = Refusal(
    403, "without a key this server is for its own machine; set LOGPULSE_API_KEY, or server.allow_anonymous: true"
)
_CHALLENGE: Final = ((b"www-authenticate", b'Bearer realm="logpulse"'),)
_NOT_OURS: Final = Refusal(
    403, "by a session cookie only pages of this server may ask for this, and their Origin has to be sent"
)
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@attrs.define(eq=False)
class Keyring:
    """Hold the one key, as a digest; None lets everyone in. It can be exchanged while the server runs.

    `revoked` belongs to the present key and is set once another takes its place. Sessions end with it, too. `clock`
    gives unix seconds.
    """

    _digest: bytes | None = None
    _signer: SessionSigner | None = None
    _clock: Callable[[], float] = time.time
    revoked: trio.Event = attrs.field(factory=trio.Event, init=False)

    @classmethod
    def of(cls, key: str) -> Keyring:
        """Hold `key`; an empty one lets everyone in."""
        ring = cls()
        ring.exchange(key)
        return ring

    def exchange(self, key: str) -> None:
        """Accept `key` from now on, and no other. The same key again changes nothing."""
        digest = hashlib.sha256(key.encode()).digest() if key else None
        if digest == self._digest:
            return
        self._digest = digest
        self._signer = SessionSigner.of(key) if key else None
        self.revoked.set()
        self.revoked = trio.Event()

    @property
    def is_open(self) -> bool:
        """Whether no key is needed."""
        return self._digest is None

    def accepts(self, key: bytes) -> bool:
        """Tell whether `key` is the key, in a time that does not depend on it."""
        return self._digest is None or hmac.compare_digest(hashlib.sha256(key).digest(), self._digest)

    def new_session(self) -> str:
        """Make a token for somebody who has shown the key; empty where no key is needed."""
        return self._signer.issue(self._clock()) if self._signer else ""

    def accepts_session(self, token: bytes) -> bool:
        """Tell whether `token` was made with the present key, and holds."""
        return self._signer is not None and self._signer.accepts(token, self._clock())


@attrs.frozen
class LocalWithoutKey:
    """Refuse what arrived at an address that other machines reach, for as long as no key is needed.

    `logpulse serve` does not listen there without a key. An ASGI server that others start listens where they say.
    """

    app: ASGIFramework
    keyring: Keyring

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "lifespan" or not self.keyring.is_open or _is_local(scope["server"]):
            await self.app(scope, receive, send)
        else:
            await _NOT_LOCAL.answer(scope, receive, send)


@attrs.frozen
class Authenticated:
    """Pass on requests with the key or a session of the page, and to `open_paths` those without; refuse all others.

    A session is looked at only where no key is sent. As browsers send its cookie by themselves, whatever page asks them
    to, it opens WebSockets and methods that may change something only to pages of this server: their Origin says so.

    The scope's extension `logpulse.authenticated` tells the application whether there was a key, and when it ends.
    """

    app: ASGIFramework
    keyring: Keyring
    open_paths: Container[str] = OPEN_PATHS

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self.app(scope, receive, send)
        else:
            await refusal.answer(scope, receive, send)

    def _refusal(self, scope: HTTPScope | WebsocketScope) -> Refusal | None:
        credentials = sent_credentials(scope)
        if len(credentials) > 1:
            return Refusal(400, "two different keys were sent; send one, as X-API-Key or as Authorization")
        if any(name in ("key", "api_key") for name, _ in parse_qsl(scope["query_string"].decode("latin-1"))):
            return Refusal(400, "a key in the URL would end in logs and histories; send it as X-API-Key")
        if scope["type"] == "websocket" and _is_foreign(scope):
            return Refusal(403, "this Origin may not open a WebSocket here")
        authenticated = self.keyring.is_open or any(self.keyring.accepts(key) for key in credentials)
        if not authenticated and not credentials and any(map(self.keyring.accepts_session, _sessions(scope))):
            if _may_change_something(scope) and not _is_from_own_page(scope):
                return _NOT_OURS
            authenticated = True
        scope["extensions"]["logpulse.authenticated"] = {"value": authenticated, "revoked": self.keyring.revoked}
        if not authenticated and scope["path"] not in self.open_paths:
            return Refusal(401, str(UnauthorizedError()), _CHALLENGE)
        return None


def _is_local(server: tuple[str, int | None] | None) -> bool:
    if server is None:
        return True  # a Unix socket
    try:
        address = ipaddress.ip_address(server[0])
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def is_authenticated(scope: HTTPScope | WebsocketScope) -> bool:
    """Tell whether a request came with the key, or needs none."""
    return bool(scope["extensions"]["logpulse.authenticated"]["value"])


def revocation_of(scope: HTTPScope | WebsocketScope) -> trio.Event:
    """Give the event that is set once the key with which a request came is no longer the key."""
    revoked: trio.Event = scope["extensions"]["logpulse.authenticated"]["revoked"]
    return revoked


def sent_credentials(scope: HTTPScope | WebsocketScope) -> set[bytes]:
    """Collect the different keys of a request, from every form in which one may be sent."""
    found = set()
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            found.add(value.strip())
        elif name == b"authorization":
            found.add(_authorization_key(value.strip()))
    return found


def _authorization_key(value: bytes) -> bytes:
    scheme, blank, rest = value.partition(b" ")
    if not blank:
        return value
    match scheme.lower():
        case b"bearer":
            return rest.strip()
        case b"basic":
            try:
                return base64.b64decode(rest.strip(), validate=True).partition(b":")[2]
            except binascii.Error:
                return b""
        case _:
            return value


def _sessions(scope: HTTPScope | WebsocketScope) -> list[bytes]:
    """List what the session cookie holds: several values, where servers on one host have set it for several paths."""
    cookies = [each.strip() for name, value in scope["headers"] if name == b"cookie" for each in value.split(b";")]
    wanted = f"{SESSION_COOKIE}=".encode()
    return [each.removeprefix(wanted) for each in cookies if each.startswith(wanted)]


def _may_change_something(scope: HTTPScope | WebsocketScope) -> bool:
    """Tell whether a request does more than read; a WebSocket counts, as its answers have no same-origin policy."""
    return scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS


def _is_from_own_page(scope: HTTPScope | WebsocketScope) -> bool:
    return bool(_origins(scope)) and not _is_foreign(scope)


def _is_foreign(scope: HTTPScope | WebsocketScope) -> bool:
    host = dict(scope["headers"]).get(b"host", b"").decode("latin-1").lower()
    return any(_page_host(origin) != host for origin in _origins(scope))


def _origins(scope: HTTPScope | WebsocketScope) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]


def _page_host(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None
