"""The web page's sign-in: the key, once, against a cookie that no script can read."""

from __future__ import annotations

import logging
from typing import Final

import msgspec
import trio
from quart import Blueprint, Response, request

from logpulse import __version__
from logpulse.errors import BodyFormatError, UnauthorizedError
from logpulse.http.auth import SESSION_COOKIE, is_authenticated
from logpulse.http.bodies import read_small_json
from logpulse.http.context import Services
from logpulse.http.failed_logins import FailedLogins
from logpulse.http.problems import json_response
from logpulse.limits import SESSION_SECONDS

_LOG: Final = logging.getLogger("logpulse.http")


class _SignIn(msgspec.Struct):
    key: str


def session(services: Services) -> Blueprint:
    """Make the routes. They are open, as whoever signs in has nothing to show yet."""
    routes = Blueprint("session", __name__)
    failed = FailedLogins(trio.current_time)
    keyring = services.keyring

    @routes.get("/ui/session")
    async def state() -> Response:
        signed_in = is_authenticated(request.scope)
        return json_response({"required": not keyring.is_open, "signedIn": signed_in, "version": __version__})

    @routes.post("/ui/session")
    async def sign_in() -> Response:
        try:
            sent = msgspec.json.decode(await read_small_json(), type=_SignIn)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise BodyFormatError(f'the body must be {{"key":"…"}}: {error}') from error
        response = Response(b"", 204)
        if keyring.is_open:
            return response
        address = request.remote_addr or ""
        failed.refuse_beyond(address)
        if not keyring.accepts(sent.key.strip().encode()):
            failed.note(address)
            _LOG.warning("a sign-in from %s failed", address or "an unnamed client")
            raise UnauthorizedError
        response.set_cookie(
            SESSION_COOKIE,
            keyring.new_session(),
            max_age=SESSION_SECONDS,
            path=_base(),
            secure=_is_encrypted(),
            httponly=True,
            samesite="Strict",
        )
        return response

    @routes.delete("/ui/session")
    async def sign_out() -> Response:
        response = Response(b"", 204)
        response.delete_cookie(SESSION_COOKIE, path=_base(), secure=_is_encrypted(), httponly=True, samesite="Strict")
        return response

    return routes


def _base() -> str:
    return request.root_path or "/"


def _is_encrypted() -> bool:
    """Tell whether the browser speaks TLS, be it with a proxy before us: its own Origin says so."""
    return request.scheme == "https" or request.headers.get("Origin", "").startswith("https://")
