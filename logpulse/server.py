"""The server: one data folder, one nursery, and the order in which they begin and end."""

from __future__ import annotations

import gc
import logging
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import attrs
import trio
from hypercorn.trio import serve as serve_http

from logpulse.config import Config, IngestConfig
from logpulse.errors import LogPulseError
from logpulse.http.app import make_app
from logpulse.http.auth import Keyring
from logpulse.http.context import Services
from logpulse.http.guard import EdgeCounters, guarded_hypercorn
from logpulse.http.listener import hypercorn_config, open_listener
from logpulse.limits import SWITCH_SECONDS
from logpulse.logql.parser import parse_selector
from logpulse.memory import keep_memory_bounded, tune_allocator, tune_collector
from logpulse.query.allowance import Allowance
from logpulse.query.engine import Engine
from logpulse.query.executor import Executor
from logpulse.query.inventory import Inventory
from logpulse.query.partial_cache import PartialCache
from logpulse.services.broadcaster import Broadcaster
from logpulse.services.committer import AppendQueue, Committer
from logpulse.services.compactor import run_compaction
from logpulse.services.flusher import Flusher
from logpulse.services.gauges import register_gauges
from logpulse.services.intake import Intake
from logpulse.services.lifecycle import Lifecycle, force_end, watch_signals
from logpulse.services.metrics import Metrics
from logpulse.services.queries import QueryRunner
from logpulse.services.retention import run_retention
from logpulse.services.scrubber import Scrubber
from logpulse.services.wal_mender import mend_wal
from logpulse.services.wal_syncer import sync_wal
from logpulse.storage.store import Store, StorePolicy, open_store
from logpulse.wire.ingest import IngestDecoder
from logpulse.wire.loki_push import LokiDecoder
from logpulse.wire.push import PushBuilder
from logpulse.wire.service_name import as_sent, with_service_name

_LOG: Final = logging.getLogger("logpulse")
_UNFLUSHED_HEADS: Final = 3  # in memory before pushes wait for the flusher


def serve(load: Callable[[], Config]) -> int:
    """Run a server until a signal stops it, and give the exit code; `load` reads the configuration, on SIGHUP again.

    0 after SIGTERM or SIGINT; 1 after a failure while running; 2 when the configuration or the data folder forbids
    starting.
    """
    start = _Start()
    try:
        config = load()
        log_to_stderr(config)
        tune_collector()
        gc.freeze()  # what is imported stays, so that collections need not look at it again
        try:
            with open_listener(config.server.host, config.server.port) as listener:
                trio.run(partial(run, config, load, listener, task_status=start))
        finally:
            gc.unfreeze()  # or what DuckDB frees at exit is reported as leaked
    except ExceptionGroup as group:
        _LOG.critical("the server failed; what was acknowledged is in the WAL", exc_info=group)
        return 1
    except (LogPulseError, OSError) as error:
        _LOG.critical("%s", error)
        return 1 if start.is_over else 2
    return 0


@attrs.define
class _Start:
    """Remember whether the server has begun to serve: what fails later forbids no start."""

    is_over: bool = False

    def started(self, value: Services | None = None) -> None:
        self.is_over = True


def log_to_stderr(config: Config) -> None:
    """Write LogPulse's own log lines to stderr."""
    logging.basicConfig(
        level=config.server.log_level.upper(), format="%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    )


async def run(
    config: Config,
    load: Callable[[], Config],
    listener: socket.socket,
    *,
    task_status: trio.TaskStatus[Services] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve `listener` until a signal or `lifecycle.stop()`, then drain in order.

    Raises:
        ExceptionGroup: a service failed and the others were cancelled. The WAL holds all that was acknowledged.
        StoreLockedError, NewerFormatError, DamagedFileError: from `open_store`.
    """
    metrics, lifecycle = Metrics(), Lifecycle()
    with opened_store(config, metrics) as store:
        async with trio.open_nursery() as supervisor:
            keyring = Keyring.of(required_key(config))
            cancel = supervisor.cancel_scope.cancel
            await supervisor.start(watch_signals, lifecycle, cancel, partial(_exchange_key, keyring, load))
            supervisor.start_soon(force_end, lifecycle)
            async with running_services(config, store, metrics, lifecycle, keyring) as services:
                with guarded_hypercorn(edge_counters(metrics)):
                    async with trio.open_nursery() as nursery:
                        serving = partial(
                            serve_http,
                            make_app(services),
                            hypercorn_config(listener),
                            shutdown_trigger=lifecycle.stopping.wait,
                        )
                        binds = await nursery.start(serving)
                        _LOG.info("listening on %s, data in %s", ", ".join(binds), store.folder.root)
                        task_status.started(services)
            supervisor.cancel_scope.cancel()


@contextmanager
def opened_store(config: Config, metrics: Metrics) -> Iterator[Store]:
    """Open the store that `config` describes, with the memory pool and the turns of threads that suit it."""
    tune_allocator()
    sys.setswitchinterval(SWITCH_SECONDS)
    policy = StorePolicy(
        wal_sync=config.ingest.wal_sync,
        chunk_bytes=config.storage.chunk_size_bytes,
        head_bytes=_UNFLUSHED_HEADS * config.ingest.flush_bytes,
        retention_days=config.storage.retention_days,
        max_streams=config.ingest.max_streams,
    )
    with open_store(Path(config.storage.path), policy, on_wal_sync=metrics.wal_sync_seconds.observe) as store:
        yield store


@asynccontextmanager
async def running_services(
    config: Config, store: Store, metrics: Metrics, lifecycle: Lifecycle, keyring: Keyring
) -> AsyncIterator[Services]:
    """Run the services around `store`. At the end of the block pushes in the queue are still made durable.

    Raises:
        ExceptionGroup: a service failed; the block was cancelled.
    """
    parse_selector("{}")  # builds the grammar's tables now, and not while the first query waits
    append = AppendQueue()
    broadcaster = Broadcaster(metrics, config.tail.max_subscribers)
    flusher = Flusher(store, metrics, config.ingest.flush_interval.seconds)
    queries = QueryRunner(metrics, config.query.max_concurrent, config.query.timeout.seconds)
    committer = Committer(append, store, metrics, broadcaster.publish, flusher, config.ingest.flush_bytes)
    register_gauges(metrics, store, append, broadcaster, queries)
    ingest = config.ingest
    with Executor(store.folder.root, threads=config.query.threads, memory=int(config.query.memory)) as executor:
        services = Services(
            config=config,
            store=store,
            engine=Engine(
                store,
                executor,
                Allowance(config.query.max_series, int(config.query.max_scan_bytes)),
                PartialCache(int(config.query.cache)),
            ),
            inventory=Inventory(store, executor),
            queries=queries,
            intake=Intake(append, lifecycle, ingest.buffer_size),
            broadcaster=broadcaster,
            flusher=flusher,
            metrics=metrics,
            lifecycle=lifecycle,
            keyring=keyring,
            decoder=IngestDecoder(ingest.max_labels, int(ingest.max_line_bytes), ingest.long_lines),
            loki_decoder=loki_decoder(ingest),
            now_ns=time.time_ns,
        )
        async with trio.open_nursery() as nursery, trio.open_nursery() as clocks:
            committing = trio.Event()
            nursery.start_soon(_run_committer, committer, committing)
            await nursery.start(broadcaster.run)
            await nursery.start(flusher.run)
            await clocks.start(run_retention, store, metrics)
            await clocks.start(run_compaction, store, metrics, lambda: queries.running > 0)
            await clocks.start(Scrubber(store, metrics).run)
            await clocks.start(mend_wal, store)
            await clocks.start(keep_memory_bounded)
            if config.ingest.wal_sync == "interval":
                await clocks.start(sync_wal, store)
            yield services
            append.close()
            await committing.wait()
            broadcaster.close()
            flusher.close()
            clocks.cancel_scope.cancel()


def loki_decoder(ingest: IngestConfig) -> LokiDecoder:
    """Make the decoder of Loki's pushes that `ingest` describes."""
    complete_labels = with_service_name if ingest.discover_service_name else as_sent
    return LokiDecoder(ingest.max_labels, complete_labels, PushBuilder(int(ingest.max_line_bytes), ingest.long_lines))


def edge_counters(metrics: Metrics) -> EdgeCounters:
    """Make the counters of the guards and show them in `metrics`."""
    edge = EdgeCounters()
    metrics.counters(
        "logpulse_connections_ended",
        "Connections that the guards ended",
        "reason",
        lambda: {
            "error": edge.connection_errors,
            "not_reading": edge.send_deadlines,
            "not_http1": edge.http2_refused,
            "too_many": edge.connections_refused,
        },
    )
    return edge


def required_key(config: Config) -> str:
    """Give the key that requests need; empty for none."""
    return config.auth.api_key if config.auth.enabled else ""


async def _run_committer(committer: Committer, ended: trio.Event) -> None:
    await committer.run()
    ended.set()


def _exchange_key(keyring: Keyring, load: Callable[[], Config]) -> None:
    try:
        keyring.exchange(required_key(load()))
    except LogPulseError as error:
        _LOG.error("the configuration was not reloaded: %s", error)
    else:
        _LOG.info("the API key was reloaded")
