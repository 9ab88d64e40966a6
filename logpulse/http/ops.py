"""Routes for operators and their tools: health, readiness, liveness, metrics."""

from __future__ import annotations

from collections.abc import Iterator

import trio
from quart import Blueprint, Response, request

from logpulse import __version__
from logpulse.http.auth import is_authenticated
from logpulse.http.context import Services
from logpulse.http.problems import json_response
from logpulse.limits import NEARLY_FULL
from logpulse.storage.files import lack_of_space
from logpulse.units import format_time


def ops(services: Services) -> Blueprint:
    """Make the routes."""
    routes = Blueprint("ops", __name__)

    @routes.get("/health")
    async def health() -> Response:
        obstacle = _obstacle(services)
        problems = _problems(services, obstacle)
        status = "unhealthy" if obstacle else "degraded" if problems else "healthy"
        body: dict[str, object] = {"status": status}
        if is_authenticated(request.scope):
            rate = services.metrics.ingestion_rate()  # here, as its numbers change on this thread
            body |= {"ingestionRate": round(rate, 2)} | await trio.to_thread.run_sync(_numbers, services)
            if problems:
                body["problems"] = problems
        return json_response(body, 503 if obstacle else 200)

    @routes.get("/ready")
    async def ready() -> Response:
        obstacle = _obstacle(services)
        return Response(obstacle or "ready", 503 if obstacle else 200, content_type="text/plain; charset=utf-8")

    @routes.get("/livez")
    async def livez() -> Response:
        return Response("alive", content_type="text/plain; charset=utf-8")

    @routes.get("/metrics")
    async def metrics() -> Response:
        text = await trio.to_thread.run_sync(services.metrics.render)
        return Response(text, content_type="text/plain; version=0.0.4; charset=utf-8")

    return routes


def _obstacle(services: Services) -> str:
    if services.lifecycle.is_stopping:
        return "the server is stopping"
    return services.store.obstacle() or services.store.wal_failure


def _problems(services: Services, obstacle: str) -> list[dict[str, str]]:
    listed = [{"code": each.code, "detail": each.detail} for each in services.store.problems.listed()]
    if not obstacle:
        listed[:0] = _limits_near(services)
    if services.flusher.failure:
        listed.insert(0, {"code": "flush_failed", "detail": services.flusher.failure})
    if obstacle:
        listed.insert(0, {"code": "pushes_refused", "detail": obstacle})
    return listed


def _limits_near(services: Services) -> Iterator[dict[str, str]]:
    store = services.store
    if shortage := lack_of_space(store.folder.root, NEARLY_FULL * store.policy.disk_reserve_bytes):
        yield {"code": "disk_nearly_full", "detail": shortage}
    streams, most = len(store.index), store.policy.max_streams
    if streams >= most:
        detail = f"there are {streams} streams, and ingest.max_streams is {most}; pushes with new ones are refused"
        yield {"code": "streams_limit", "detail": detail}


def _numbers(services: Services) -> dict[str, object]:
    view, last_flush = services.store.view, services.flusher.last_flush
    wal_bytes = services.store.wal_bytes()
    return {
        "storageUsed": view.segment_bytes + wal_bytes,
        "chunksCount": view.chunk_count,
        "uptime": round(services.metrics.uptime(), 3),
        "version": __version__,
        "streamsCount": len(services.store.index),
        "headBytes": view.head_bytes,
        "lastFlush": format_time(last_flush) if last_flush else None,
        "wal": {"bytes": wal_bytes, "sequence": view.sequence, "sync": services.config.ingest.wal_sync},
    }
