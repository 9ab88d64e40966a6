"""Deliver batches to the server, one after the other, until each of their entries is stored or written down."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Final, Protocol

import trio

from agent.answer import Action, Answer, judge
from agent.batcher import Batch
from agent.config import ServerConfig
from agent.dead_letters import DeadLetters
from agent.entry import Entry
from agent.http_client import HttpClient, NoAnswerError
from agent.push_body import PushBody
from logpulse.limits import AGENT_RETRY_AFTER_SECONDS, AGENT_RETRY_FIRST_SECONDS
from logpulse.model.backoff import Backoff

_log: Final = logging.getLogger(__name__)


class Ledger(Protocol):
    """Keep what is sent and what is delivered where a crash does not reach it."""

    async def pledge(self, batch: Batch) -> None:
        """Note that a batch is about to be sent."""

    def acknowledge(self, batch: Batch) -> None:
        """Note that a batch was delivered."""


class Sender:
    """Send batches. A batch is sent in the same bytes however often it takes, so that the server knows it again."""

    def __init__(self, server: ServerConfig, ledger: Ledger, dead_letters: DeadLetters) -> None:
        self._server = server
        self._ledger = ledger
        self._dead_letters = dead_letters
        self._client = HttpClient(server)

    async def run(self, batches: trio.MemoryReceiveChannel[Batch]) -> None:
        """Deliver until `batches` ends. Cancelled, it leaves the batch in work pledged and not acknowledged."""
        try:
            async for batch in batches:
                await self._ledger.pledge(batch)
                await self._deliver(batch.entries)
                self._ledger.acknowledge(batch)
        finally:
            with trio.CancelScope(shield=True):
                await self._client.aclose()

    async def _deliver(self, entries: list[Entry]) -> None:
        waiting = [entries] if entries else []
        while waiting:
            part = waiting.pop()
            body = PushBody.of(part)
            answer = await self._answer_to(body)
            match answer.action:
                case Action.SPLIT if len(part) > 1:
                    middle = len(part) // 2
                    waiting += [part[middle:], part[:middle]]
                case Action.SPLIT:
                    await self._write_down([(part[0], answer.reason)])
                case Action.REFUSED:
                    waiting += await self._write_down_refused(part, body, answer)

    async def _write_down_refused(self, part: list[Entry], body: PushBody, answer: Answer) -> list[list[Entry]]:
        """Write down the entries that an answer names; gives what has to be sent again, as not all were named."""
        reasons = {body.place(each.stream, each.entry): each.reason for each in answer.refused}
        refused = [(entry, reasons[place]) for place, entry in enumerate(part) if place in reasons]
        if not refused:
            middle = len(part) // 2
            if not middle:
                await self._write_down([(part[0], answer.reason)])
                return []
            return [part[middle:], part[:middle]]
        await self._write_down(refused)
        if answer.refused_count <= len(refused):
            return []
        rest = [entry for place, entry in enumerate(part) if place not in reasons]
        return [rest] if rest else []

    async def _answer_to(self, body: PushBody) -> Answer:
        """Send until the server says something about the entries. Waits for ever while it is away or refuses us."""
        backoff = self._backoff()
        began = trio.current_time()
        failures = 0
        while True:
            answer = await self._attempt(body)
            match answer.action:
                case Action.RETRY:
                    wait = backoff.next_wait(answer.retry_after)
                    _log.warning("%s: %s; sending again in %.1f s", self._server.url, answer.reason, wait)
                case Action.HOLD:
                    wait = self._server.hold_interval.seconds
                    _log.error(
                        "%s refuses every line: %s; check server.url and server.api_key. Nothing is lost; sending "
                        "again in %.0f s",
                        self._server.url,
                        answer.reason,
                        wait,
                    )
                case _:
                    if failures:
                        _log.info("%s answers again after %.0f s", self._server.url, trio.current_time() - began)
                    return answer
            failures += 1
            await trio.sleep(wait)

    async def _attempt(self, body: PushBody) -> Answer:
        try:
            raw = await self._client.push(body.json)
        except NoAnswerError as error:
            return Answer(Action.RETRY, str(error))
        return judge(raw.status, raw.headers, raw.body, time.time())

    def _backoff(self) -> Backoff:
        return Backoff(AGENT_RETRY_FIRST_SECONDS, self._server.retry_longest.seconds, AGENT_RETRY_AFTER_SECONDS)

    async def _write_down(self, refused: Sequence[tuple[Entry, str]]) -> None:
        backoff = self._backoff()
        while True:
            try:
                await trio.to_thread.run_sync(self._dead_letters.append, refused)
            except OSError as error:
                wait = backoff.next_wait()
                _log.error("cannot write %s: %s; trying again in %.1f s", self._dead_letters.path, error, wait)
                await trio.sleep(wait)
            else:
                _log.error(
                    "the server refused %d entries, now in %s; the first because: %s",
                    len(refused),
                    self._dead_letters.path,
                    refused[0][1],
                )
                return
