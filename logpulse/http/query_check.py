"""/parse: tell whether a query is well-formed, and write it in its canonical form. Reads no data."""

from __future__ import annotations

from quart import Blueprint, Response

from logpulse.http.bodies import read_parameters
from logpulse.http.context import Services
from logpulse.http.problems import json_response
from logpulse.http.query_parameters import read_query
from logpulse.http.query_response import parsed
from logpulse.logql.ast import LogQuery


def query_check(services: Services) -> Blueprint:
    """Make the route."""
    routes = Blueprint("query_check", __name__)

    @routes.route("/parse", methods=["GET", "POST"])
    async def check() -> Response:
        parameters = await read_parameters()
        query = await parsed(parameters.get("query", ""), lambda: read_query(parameters, services.config.query))
        return json_response({"kind": "logs" if isinstance(query, LogQuery) else "metrics", "query": str(query)})

    return routes
