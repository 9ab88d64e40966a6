"""/parse: tell whether a query is well-formed, and write it in its canonical form. Reads no data."""

from __future__ import annotations

from http import HTTPStatus

from quart import Blueprint, Response

from logpulse.errors import LogPulseError
from logpulse.http.bodies import read_single_parameters
from logpulse.http.context import Services
from logpulse.http.problems import json_response, problem_body, status_of
from logpulse.http.query_parameters import read_query
from logpulse.http.query_response import parsed
from logpulse.logql.ast import LogQuery


def query_check(services: Services) -> Blueprint:
    """Make the route."""
    routes = Blueprint("query_check", __name__)

    @routes.route("/parse", methods=["GET", "POST"])
    async def check() -> Response:
        parameters = await read_single_parameters()
        try:
            query = await parsed(parameters.get("query", ""), lambda: read_query(parameters, services.config.query))
        except LogPulseError as error:
            if status_of(error) != HTTPStatus.BAD_REQUEST:
                raise
            # The question was a good one; browsers note every other status as an error of the page.
            return json_response({"kind": None, **problem_body(error)})
        return json_response({"kind": "logs" if isinstance(query, LogQuery) else "metrics", "query": str(query)})

    return routes
