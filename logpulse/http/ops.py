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
from logpulse.storage.files import lack_of_space, room_on_disk
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
            body |= _passing_numbers(services) | await trio.to_thread.run_sync(_lasting_numbers, services)
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


def _passing_numbers(services: Services) -> dict[str, object]:
    """Collect what changes on the event loop's thread, and so has to be read there."""
    return {
        "ingestionRate": round(services.metrics.ingestion_rate(), 2),
        "ingestionBytesRate": round(services.metrics.ingestion_bytes_rate(), 2),
        "slowQueries": [
            {
                "kind": each.kind,
                "query": each.text,
                "seconds": round(each.seconds, 3),
                "at": format_time(each.ended_ns),
            }
            for each in services.queries.slow.newest_first()
        ],
    }


def _lasting_numbers(services: Services) -> dict[str, object]:
    """Collect what needs a look at the disk, in a thread."""
    store = services.store
    view, last_flush, wal_bytes = store.view, services.flusher.last_flush, store.wal_bytes()
    room = room_on_disk(store.folder.root)
    return {
        "storageUsed": view.segment_bytes + wal_bytes,
        "segmentsCount": len(view.segments),
        "chunksCount": view.chunk_count,
        "uptime": round(services.metrics.uptime(), 3),
        "version": __version__,
        "streamsCount": len(store.index),
        "headBytes": view.head_bytes,
        "lastFlush": format_time(last_flush) if last_flush else None,
        "wal": {"bytes": wal_bytes, "sequence": view.sequence, "sync": services.config.ingest.wal_sync},
        "retentionDays": store.policy.retention_days,
        "oldestEntry": None if view.time_range is None else format_time(view.time_range[0]),
        "diskFree": room.free if room else None,
        "diskTotal": room.total if room else None,
    }
