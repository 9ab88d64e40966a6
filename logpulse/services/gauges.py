"""The metrics that are read off the services at the time of asking."""

from __future__ import annotations

from logpulse.services.broadcaster import Broadcaster
from logpulse.services.committer import AppendQueue
from logpulse.services.metrics import Metrics
from logpulse.services.queries import QueryRunner
from logpulse.storage.store import Store


def register_gauges(
    metrics: Metrics, store: Store, append: AppendQueue, broadcaster: Broadcaster, queries: QueryRunner
) -> None:
    """Show the state of the services in `metrics`."""
    metrics.gauge("logpulse_uptime_seconds", "Time since the start", metrics.uptime)
    metrics.gauge("logpulse_storage_bytes", "Bytes of segments", lambda: store.view.segment_bytes)
    metrics.gauge("logpulse_segments", "Segments on disk", lambda: len(store.view.segments))
    metrics.gauge("logpulse_streams", "Streams", lambda: len(store.index))
    metrics.gauge("logpulse_head_bytes", "Bytes of entries in memory", lambda: store.view.head_bytes)
    metrics.gauge("logpulse_wal_bytes", "Bytes of the WAL on disk", store.wal_bytes)
    metrics.gauge("logpulse_problems", "Problems of the data folder since the start", lambda: store.problems.count)
    metrics.gauge("logpulse_append_queue_depth", "Pushes waiting for the committer", append.depth)
    metrics.gauge("logpulse_subscribers", "Live tails", lambda: len(broadcaster))
    metrics.gauge("logpulse_queries_in_flight", "Queries under way", lambda: queries.running)
