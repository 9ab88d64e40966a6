"""WebSocket /stream: live entries, history first if asked for. See `tail_session.py` for what happens once accepted."""

from __future__ import annotations

from collections.abc import Mapping

from quart import Blueprint, Response, websocket

from logpulse.errors import LogPulseError, StoppingError
from logpulse.http.bodies import single
from logpulse.http.context import Services
from logpulse.http.problems import problem_response
from logpulse.http.query_response import parsed
from logpulse.http.tail_request import TailRequest, parse_tail_request
from logpulse.http.tail_session import TailSession
from logpulse.services.tail_filter import TailFilter


def stream(services: Services) -> Blueprint:
    """Make the route. A bad request is answered with HTTP before the upgrade."""
    routes = Blueprint("stream", __name__)

    @routes.websocket("/stream")
    async def follow() -> Response | None:
        try:
            if services.lifecycle.is_stopping:
                raise StoppingError("the server is stopping")
            parameters = single(websocket.args.items(multi=True))
            asked, tail_filter = await parsed(parameters.get("query", ""), lambda: _read(parameters))
            subscription = services.broadcaster.subscribe(tail_filter)
        except LogPulseError as error:
            return problem_response(error)
        with subscription as subscriber:
            await websocket.accept()
            await TailSession(services, asked, subscriber).run()
        return None

    return routes


def _read(parameters: Mapping[str, str]) -> tuple[TailRequest, TailFilter]:
    asked = parse_tail_request(parameters)
    return asked, TailFilter(asked.query)
