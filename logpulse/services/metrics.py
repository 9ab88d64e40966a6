"""What the server counts, in Prometheus' terms, and the ingestion rates that /health shows."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import attrs
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

_FAST: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_SLOW: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
RATE_SECONDS: Final = 60


class Metrics:
    """Own one registry, so that several servers can live in one process, as in tests."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._recent: deque[tuple[float, int, int]] = deque()  # when, lines, bytes of text
        self.registry = registry = CollectorRegistry()
        self.ingested_bytes = Counter("logpulse_ingested_bytes", "Bytes of log text stored", registry=registry)
        self.ingested_lines = Counter("logpulse_ingested_lines", "Entries stored", registry=registry)
        self.duplicate_lines = Counter("logpulse_duplicate_lines", "Entries stored before", registry=registry)
        self.rejected_lines = Counter("logpulse_rejected_lines", "Entries refused", ["reason"], registry=registry)
        self.dropped_lines = Counter("logpulse_dropped_lines", "Entries tails lost", ["reason"], registry=registry)
        self.chunks_stored = Counter("logpulse_chunks_stored", "Chunks written to segments", registry=registry)
        self.flushes = Counter("logpulse_flushes", "Flushes of the head", ["reason", "outcome"], registry=registry)
        self.flush_seconds = Histogram("logpulse_flush_seconds", "Time of one flush", buckets=_SLOW, registry=registry)
        self.wal_sync_seconds = Histogram(
            "logpulse_wal_fsync_seconds", "Time of one fdatasync of the WAL", buckets=_FAST, registry=registry
        )
        self.commit_seconds = Histogram(
            "logpulse_commit_seconds",
            "Time of one group commit",
            buckets=_FAST,
            registry=registry,
        )
        self.query_seconds = Histogram(
            "logpulse_query_duration_seconds", "Time of one query", ["kind"], buckets=_SLOW, registry=registry
        )
        self.request_seconds = Histogram(
            "logpulse_http_request_duration_seconds",
            "Time of one request",
            ["route", "status"],
            buckets=_SLOW,
            registry=registry,
        )
        self.compactions = Counter("logpulse_compactions", "Merges of segments", registry=registry)
        self.chunks_verified = Counter("logpulse_chunks_verified", "Chunks proven by scrubbing", registry=registry)
        self.segments_deleted = Counter("logpulse_segments_deleted", "Segments deleted by age", registry=registry)

    def gauge(self, name: str, help_text: str, read: Callable[[], float]) -> None:
        """Show what `read` gives at the time of asking."""
        Gauge(name, help_text, registry=self.registry).set_function(read)

    def counters(self, name: str, help_text: str, label: str, read: Callable[[], Mapping[str, int]]) -> None:
        """Show what others count: a counter for each value of `label` that `read` gives at the time of asking."""
        self.registry.register(_ReadCounters(name, help_text, label, read))

    def note_ingested(self, lines: int, text_bytes: int) -> None:
        """Count stored entries."""
        self.ingested_lines.inc(lines)
        self.ingested_bytes.inc(text_bytes)
        self._recent.append((self._clock(), lines, text_bytes))
        self._forget_old()

    def ingestion_rate(self) -> float:
        """Give the entries a second stored over the last minute."""
        self._forget_old()
        return sum(lines for _, lines, _ in self._recent) / self._rate_span()

    def ingestion_bytes_rate(self) -> float:
        """Give the bytes of log text a second stored over the last minute."""
        self._forget_old()
        return sum(text_bytes for _, _, text_bytes in self._recent) / self._rate_span()

    def uptime(self) -> float:
        """Give the seconds since the start."""
        return self._clock() - self._started

    def render(self) -> bytes:
        """Write everything in Prometheus' text format."""
        return generate_latest(self.registry)

    def _rate_span(self) -> float:
        return min(RATE_SECONDS, max(self.uptime(), 1.0))

    def _forget_old(self) -> None:
        oldest = self._clock() - RATE_SECONDS
        while self._recent and self._recent[0][0] < oldest:
            self._recent.popleft()


@attrs.frozen
class _ReadCounters(Collector):
    name: str
    help_text: str
    label: str
    read: Callable[[], Mapping[str, int]]

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(self.name, self.help_text, labels=[self.label])
        for value, count in self.read().items():
            family.add_metric([value], count)
        yield family
