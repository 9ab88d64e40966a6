"""What the routes work with: the running services, handed in when the application is made."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from logpulse.config import Config
from logpulse.http.auth import Keyring
from logpulse.query.engine import Engine
from logpulse.query.entry_level import DETECTED, LABELLED, LevelOf, LevelRule
from logpulse.query.inventory import Inventory
from logpulse.services.broadcaster import Broadcaster
from logpulse.services.flusher import Flusher
from logpulse.services.intake import Intake
from logpulse.services.lifecycle import Lifecycle
from logpulse.services.metrics import Metrics
from logpulse.services.queries import QueryRunner
from logpulse.storage.store import Store
from logpulse.wire.ingest import IngestDecoder
from logpulse.wire.loki_push import LokiDecoder


@attrs.frozen(eq=False)
class Services:
    """Hold one server's services. `now_ns` is the wall clock in unix nanoseconds."""

    config: Config
    store: Store
    engine: Engine
    inventory: Inventory
    queries: QueryRunner
    intake: Intake
    broadcaster: Broadcaster
    flusher: Flusher
    metrics: Metrics
    lifecycle: Lifecycle
    keyring: Keyring
    decoder: IngestDecoder
    loki_decoder: LokiDecoder
    now_ns: Callable[[], int]

    @property
    def level_of(self) -> LevelOf:
        """How answers find an entry's level."""
        return self.level_rule.find

    @property
    def level_rule(self) -> LevelRule:
        """The same, with what is known of it beforehand."""
        return DETECTED if self.config.ingest.detect_level else LABELLED
