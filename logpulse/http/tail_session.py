"""One live tail from its acceptance to its end: a reader, a writer, and a watch over both."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack, aclosing
from functools import partial
from typing import Final, Literal

import attrs
import trio
from quart import websocket

from logpulse.errors import InvalidRequestError, LogPulseError, OverloadedError
from logpulse.http.auth import revocation_of
from logpulse.http.context import Services
from logpulse.http.peer import PeerLeftError
from logpulse.http.query_response import parsed
from logpulse.http.tail_frames import (
    ClientFrame,
    acknowledgement_frame,
    connected_frame,
    decode_client_frame,
    dropped_frame,
    error_frame,
    filter_updated_frame,
    heartbeat_frame,
    left_out_frame,
    log_frames,
    logs_frames,
)
from logpulse.http.tail_history import LeftOut, TailHistory
from logpulse.http.tail_request import TailRequest, labels_query, tail_query
from logpulse.limits import (
    CLIENT_FRAMES_PER_SECOND,
    FRAME_ENTRIES,
    FRAME_SECONDS,
    HEARTBEAT_SECONDS,
    HISTORY_SECONDS,
)
from logpulse.logql.ast import LogQuery
from logpulse.query.dedup import ShownKeys, keys_of_tail
from logpulse.query.result import Entry
from logpulse.services.subscriber import Dropped, Entries, Notice, Subscriber
from logpulse.services.tail_filter import TailFilter

_LOG: Final = logging.getLogger("logpulse.tail")
_GOING_AWAY: Final = 1001
_POLICY: Final = 1008
_INTERNAL: Final = 1011
_TRY_LATER: Final = 1013


@attrs.frozen
class NewFilter(Notice):
    """Confirm a filter; the entries behind it are compared with no others than those of this filter."""

    shown: ShownKeys


@attrs.define
class TailSession:
    """Serve one accepted WebSocket. Only the writer sends, so that frames never mix."""

    services: Services
    request: TailRequest
    subscriber: Subscriber
    _close: tuple[int, str] | None = (_INTERNAL, "internal error")
    _filters: int = 0
    _shown: ShownKeys = attrs.field(
        default=attrs.Factory(lambda self: keys_of_tail(self.request.query.dedup), takes_self=True), init=False
    )
    _last_batch: float = float("-inf")
    _last_frame: float = float("-inf")
    _history_until: float = float("inf")

    async def run(self) -> None:
        """Serve until the client leaves, misbehaves or lags, or the server stops; then close with the fitting code."""
        try:
            # The view is older than any change of the filter, or entries in between would belong to neither.
            with ExitStack() as reading:
                history = self._history(reading)
                async with trio.open_nursery() as nursery:
                    end = partial(self._end, nursery.cancel_scope)
                    nursery.start_soon(self._read, end)
                    nursery.start_soon(self._write, history, reading)
                    nursery.start_soon(self._watch_pace, end)
                    nursery.start_soon(self._watch_stop, end)
                    nursery.start_soon(self._watch_key, end)
        except* PeerLeftError:
            self._close = None
        except* LogPulseError as group:
            await self._confess(next(error for error in group.exceptions if isinstance(error, LogPulseError)))
        except* Exception as group:
            _LOG.exception("a live tail failed", exc_info=group)
        if self._close is not None:
            await websocket.close(*self._close)

    async def _confess(self, error: LogPulseError) -> None:
        """Tell the client why its history cannot be read."""
        await self._send(error_frame(error, None))
        busy = isinstance(error, OverloadedError)
        self._close = (_TRY_LATER, "the server is busy") if busy else (_INTERNAL, "the history cannot be read")

    def _end(self, scope: trio.CancelScope, code: int, reason: str) -> None:
        self._close = (code, reason)
        scope.cancel()

    # -- reading ------------------------------------------------------------------------------------------------------

    async def _read(self, end: Callable[[int, str], None]) -> None:
        allowance, refilled = float(CLIENT_FRAMES_PER_SECOND), trio.current_time()
        while True:
            data = await websocket.receive()
            now = trio.current_time()
            allowance = min(CLIENT_FRAMES_PER_SECOND, allowance + (now - refilled) * CLIENT_FRAMES_PER_SECOND)
            refilled = now
            if allowance < 1:
                end(_POLICY, f"more than {CLIENT_FRAMES_PER_SECOND} messages a second")
                return
            allowance -= 1
            await self._obey(data)

    async def _obey(self, data: str | bytes) -> None:
        frame_id = None
        try:
            frame = decode_client_frame(data)
            frame_id = frame.id
            if frame.type == "filter":
                await self._change_filter(frame)
                return
        except LogPulseError as error:
            self.subscriber.notify(Notice(error_frame(error, frame_id)))
            return
        done: Literal["paused", "resumed"]
        if frame.type == "pause":
            self.subscriber.pause()
            done = "paused"
        else:
            self.subscriber.resume()
            done = "resumed"
        self.subscriber.notify(Notice(acknowledgement_frame(done, frame_id)))

    async def _change_filter(self, frame: ClientFrame) -> None:
        if (frame.labels is None) == (frame.query is None):
            raise InvalidRequestError("filter", frame.labels, "must have either labels or query")
        query, tail_filter = await parsed(frame.query or "", lambda: _filter_of(frame))
        shown = {"query": frame.query} if frame.query is not None else dict(frame.labels or {})
        self._filters += 1
        frame_id = self._filters if frame.id is None else frame.id
        notice = NewFilter(filter_updated_frame(shown, frame_id), keys_of_tail(query.dedup))
        self.subscriber.change_filter(tail_filter, notice)

    # -- writing ------------------------------------------------------------------------------------------------------

    def _history(self, reading: ExitStack) -> TailHistory | None:
        if self.request.history is None:
            return None
        self.subscriber.hold_history()
        view = reading.enter_context(self.services.store.reading())
        # What repeats is left out where entries are sent, so that history and live entries count as one answer.
        query = attrs.evolve(self.request.query, dedup=None)
        return TailHistory(self.services, view, query, self.request.history)

    async def _write(self, history: TailHistory | None, reading: ExitStack) -> None:
        await self._send(connected_frame(self.request.shown_filter))
        shown_up_to = 0
        if history is not None:
            shown_up_to = history.view.sequence
            self._history_until = trio.current_time() + HISTORY_SECONDS
            async with aclosing(history.pages()) as pages:
                async for part in pages:
                    if isinstance(part, LeftOut):
                        await self._send(left_out_frame(part))
                    else:
                        await self._send_entries(part)
            self._history_until = float("inf")
            reading.close()
        while True:
            item = None
            with trio.move_on_at(self._last_frame + HEARTBEAT_SECONDS):
                item = await self.subscriber.receive()
            match item:
                case None:
                    await self._send(heartbeat_frame(self.services.now_ns()))
                case NewFilter():
                    self._shown = item.shown
                    await self._send(item.frame)
                case Notice():
                    await self._send(item.frame)
                case Dropped():
                    await self._send(dropped_frame(item))
                case Entries() if item.sequence > shown_up_to:
                    await self._send_entries(await self._gathered(item) if self.request.batched else item.entries)

    async def _gathered(self, first: Entries) -> list[Entry]:
        """Add what else is ready and, unless that fills a frame, what comes before the next one is due."""
        entries = list(first.entries)
        self._take_ready(entries)
        wait = self._last_batch + FRAME_SECONDS - trio.current_time()
        if wait > 0 and len(entries) < FRAME_ENTRIES:  # who is behind never waits, or would never catch up
            await trio.sleep(wait)
            self._take_ready(entries)
        return entries

    def _take_ready(self, into: list[Entry]) -> None:
        while len(into) < FRAME_ENTRIES and (more := self.subscriber.next_entries()) is not None:
            into += more.entries

    async def _send_entries(self, entries: Sequence[Entry]) -> None:
        new = [entry for entry in entries if not self._shown.has(entry.record, entry.stream)]
        if not new and trio.current_time() >= self._last_frame + HEARTBEAT_SECONDS:
            await self._send(heartbeat_frame(self.services.now_ns()))
        level = self.services.level_of
        if not self.request.batched:
            for frame in log_frames(new, level):
                await self._send(frame)
            return
        for frame in logs_frames(new, level):
            await self._send(frame)
        self._last_batch = trio.current_time()

    async def _send(self, frame: bytes) -> None:
        await websocket.send(frame.decode())
        self._last_frame = trio.current_time()

    # -- watching -----------------------------------------------------------------------------------------------------

    async def _watch_pace(self, end: Callable[[int, str], None]) -> None:
        while True:
            await trio.sleep(1)
            if self.subscriber.is_overtaxed:
                end(_POLICY, "the filter takes too long; make it simpler")
                return
            if self.subscriber.is_too_slow or trio.current_time() > self._history_until:
                end(_TRY_LATER, "the client reads too slowly")
                return

    async def _watch_stop(self, end: Callable[[int, str], None]) -> None:
        await self.services.lifecycle.stopping.wait()
        end(_GOING_AWAY, "the server is stopping")

    async def _watch_key(self, end: Callable[[int, str], None]) -> None:
        await revocation_of(websocket.scope).wait()
        end(_POLICY, "the key was exchanged")


def _filter_of(frame: ClientFrame) -> tuple[LogQuery, TailFilter]:
    query = tail_query(frame.query) if frame.query is not None else labels_query(frame.labels or {})
    return query, TailFilter(query)
