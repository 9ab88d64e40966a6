"""The `stats` of a Loki answer. Clients want every number; those of parts that LogPulse does not have are zero."""

from __future__ import annotations

from typing import Final

import msgspec

from logpulse.limits import SECOND_NS
from logpulse.query.result import ScanStats


class Summary(msgspec.Struct, rename="camel"):
    """What a query cost in all; times are in seconds."""

    bytes_processed_per_second: int
    lines_processed_per_second: int
    total_bytes_processed: int
    total_lines_processed: int
    exec_time: float
    total_entries_returned: int
    total_post_filter_lines: int = 0
    queue_time: float = 0
    subqueries: int = 0
    splits: int = 0
    shards: int = 0
    total_structured_metadata_bytes_processed: int = 0


class Chunk(msgspec.Struct, rename="camel"):
    """What was read of chunks, in the head and on disk."""

    head_chunk_bytes: int = 0
    head_chunk_lines: int = 0
    decompressed_bytes: int = 0
    decompressed_lines: int = 0
    compressed_bytes: int = 0
    total_duplicates: int = 0
    post_filter_lines: int = 0
    head_chunk_structured_metadata_bytes: int = 0
    decompressed_structured_metadata_bytes: int = 0


class ChunkStore(msgspec.Struct, rename="camel"):
    """Which chunks there were; times are in nanoseconds."""

    chunk: Chunk
    total_chunks_ref: int = 0
    total_chunks_downloaded: int = 0
    chunks_download_time: int = 0
    chunk_refs_fetch_time: int = 0


class Querier(msgspec.Struct):
    """What the part did that reads old entries."""

    store: ChunkStore


class Ingester(msgspec.Struct, rename="camel"):
    """What the part did that holds new entries: nothing, as LogPulse counts all of it with the querier."""

    store: ChunkStore
    total_reached: int = 0
    total_chunks_matched: int = 0
    total_batches: int = 0
    total_lines_sent: int = 0


class CacheUse(msgspec.Struct, rename="camel"):
    """How a cache was used."""

    entries_found: int = 0
    entries_requested: int = 0
    entries_stored: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0
    requests: int = 0
    download_time: float = 0
    query_length_served: int = 0


class IndexUse(msgspec.Struct, rename="camel"):
    """How the index was used."""

    total_chunks: int = 0
    post_filter_chunks: int = 0
    total_streams: int = 0
    shards_duration: float = 0
    used_bloom_filters: bool = False


class LokiStats(msgspec.Struct):
    """All of it."""

    summary: Summary
    querier: Querier
    ingester: Ingester
    cache: dict[str, CacheUse]
    index: IndexUse


_CACHES: Final = (
    "chunk",
    "index",
    "result",
    "statsResult",
    "volumeResult",
    "seriesResult",
    "labelResult",
    "instantMetricResult",
)


def loki_stats(scanned: ScanStats, seconds: float, returned: int) -> LokiStats:
    """Write what a query scanned in `seconds`, and how many entries or series it `returned`."""
    summary = Summary(
        bytes_processed_per_second=int(scanned.text_bytes / seconds) if seconds > 0 else 0,
        lines_processed_per_second=int(scanned.rows / seconds) if seconds > 0 else 0,
        total_bytes_processed=scanned.text_bytes,
        total_lines_processed=scanned.rows,
        exec_time=seconds,
        total_entries_returned=returned,
    )
    chunk = Chunk(decompressed_bytes=scanned.text_bytes, decompressed_lines=scanned.rows)
    store = ChunkStore(
        chunk,
        total_chunks_ref=scanned.chunks,
        total_chunks_downloaded=scanned.chunks,
        chunks_download_time=int(scanned.seconds.scan * SECOND_NS),
        chunk_refs_fetch_time=int(scanned.seconds.plan * SECOND_NS),
    )
    index = IndexUse(
        total_chunks=scanned.chunks + scanned.skipped_chunks,
        post_filter_chunks=scanned.chunks,
        total_streams=scanned.streams,
    )
    caches = {name: CacheUse() for name in _CACHES}
    return LokiStats(summary, Querier(store), Ingester(ChunkStore(Chunk())), caches, index)
