"""What Loki's clients ask about the server itself: version and limits, and parts that LogPulse does not have."""

from __future__ import annotations

from typing import Final

from quart import Blueprint, Response

from logpulse import __version__
from logpulse.config import Config
from logpulse.http.context import Services
from logpulse.http.loki_parameters import days_and_less
from logpulse.http.loki_problems import answer_in_text, text_response
from logpulse.http.problems import json_response
from logpulse.limits import DAY_NS, VOLUME_SERIES
from logpulse.units import format_duration
from logpulse.wire.service_name import SERVICE_LABELS

_API: Final = "/loki/api/v1"
_BOTH: Final = ["GET", "POST"]
# By the version clients know which of Loki's features to expect; the revision says what this really is.
_VERSION: Final = "3.5.0"
_BUILD: Final = {
    "version": _VERSION,
    "revision": f"logpulse-{__version__}",
    "branch": "logpulse",
    "buildUser": "",
    "buildDate": "",
    "goVersion": "",
}


def loki_status(services: Services) -> Blueprint:
    """Make the routes."""
    routes = Blueprint("loki_status", __name__)
    answer_in_text(routes)

    @routes.get(f"{_API}/status/buildinfo")
    async def buildinfo() -> Response:
        return json_response(_BUILD)

    @routes.get(f"{_API}/drilldown-limits")
    async def drilldown_limits() -> Response:
        return json_response(
            {"limits": _limits(services.config), "pattern_ingester_enabled": False, "version": _VERSION}
        )

    @routes.route(f"{_API}/patterns", methods=_BOTH)
    async def patterns() -> Response:
        return text_response("patterns are not detected by this server", 404)

    @routes.get(f"{_API}/rules")
    async def rules() -> Response:
        return text_response("no rule groups found", 404)

    @routes.get("/prometheus/api/v1/rules")
    async def prometheus_rules() -> Response:
        return json_response({"status": "success", "data": {"groups": []}})

    @routes.get("/prometheus/api/v1/alerts")
    async def prometheus_alerts() -> Response:
        return json_response({"status": "success", "data": {"alerts": [], "groups": []}})

    @routes.post("/flush")
    async def flush() -> Response:
        services.flusher.wake()
        response = Response("", 204)
        del response.headers["Content-Type"]
        return response

    return routes


def _limits(config: Config) -> dict[str, object]:
    return {
        "discover_log_levels": config.ingest.detect_level,
        "discover_service_name": SERVICE_LABELS if config.ingest.discover_service_name else (),
        "max_entries_limit_per_query": config.query.max_entries,
        "max_line_size": int(config.ingest.max_line_bytes),
        "max_line_size_truncate": config.ingest.long_lines == "truncate",
        "max_query_length": days_and_less(config.query.max_range),
        "metric_aggregation_enabled": False,
        "pattern_persistence_enabled": False,
        "query_timeout": format_duration(config.query.timeout),
        "retention_period": days_and_less(config.storage.retention_days * DAY_NS),
        "volume_enabled": True,
        "volume_max_series": VOLUME_SERIES,
    }
