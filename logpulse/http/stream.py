"""WebSocket /stream: live entries, history first if asked for. See `tail_session.py` for what happens once accepted."""

from __future__ import annotations

from quart import Blueprint, Response, websocket

from logpulse.errors import LogPulseError, UnavailableError
from logpulse.http.context import Services
from logpulse.http.problems import problem_response
from logpulse.http.tail_request import parse_tail_request
from logpulse.http.tail_session import TailSession
from logpulse.services.subscriber import TailFilter


def stream(services: Services) -> Blueprint:
    """Make the route. A bad request is answered with HTTP before the upgrade."""
    routes = Blueprint("stream", __name__)

    @routes.websocket("/stream")
    async def follow() -> Response | None:
        try:
            if services.lifecycle.is_stopping:
                raise UnavailableError("the server is stopping", retry_after=1)
            asked = parse_tail_request(websocket.args)
            tail_filter = TailFilter(asked.query)
            subscription = services.broadcaster.subscribe(tail_filter)
        except LogPulseError as error:
            return problem_response(error)
        with subscription as subscriber:
            await websocket.accept()
            await TailSession(services, asked, subscriber).run()
        return None

    return routes
