"""The agent's nursery: search, watch, one task for each file, batcher, sender, and the saving of positions."""

from __future__ import annotations

import logging
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import attrs
import trio

from agent.batcher import Batch, gather
from agent.config import AgentConfig
from agent.dead_letters import DeadLetters
from agent.discovery import Discovery
from agent.entry import Chunk
from agent.follower import Follower, Reading
from agent.keeper import Keeper
from agent.pipeline.labelling import no_level
from agent.positions import Positions
from agent.positions_file import PositionsFile, open_positions_file
from agent.roster import Roster, begin_at_end, begin_at_start
from agent.sender import Sender
from logpulse.model.level import detect_level

_log: Final = logging.getLogger(__name__)


@attrs.frozen
class Outcome:
    """Say how a run ended: entries the server refused for good, files that could not be read, and whether it was cut
    short by a signal."""

    refused: int
    unreadable: int
    was_interrupted: bool


class Agent:
    """Run once, by `follow` or `read_once`. Stages are stopped in the order in which lines pass through them."""

    def __init__(self, config: AgentConfig, file: PositionsFile) -> None:
        positions_file = Path(config.positions_file)
        loaded = file.load()
        self._config = config
        self._is_first_start = loaded is None
        positions = loaded or Positions()
        self._discovery = Discovery(config.targets, positions_file, config.files.follow_symlinks)
        self._roster = Roster(
            config.targets,
            config.files,
            self._discovery,
            positions,
            detect_level if config.files.detect_level else no_level,
        )
        self._keeper = Keeper(file, positions, lambda: self._roster.records)
        self._dead_letters = DeadLetters(positions_file.with_name(positions_file.name + ".dead-letters.jsonl"))
        self._sender = Sender(config.server, self._keeper, self._dead_letters)
        self._reading_scope = trio.CancelScope()
        self._delivery_scope = trio.CancelScope()

    async def follow(self) -> Outcome:
        """Follow the files until the first signal; then deliver what was read, for a while.

        A second signal ends this at once. What is not delivered is kept in the files and the positions.
        """
        return await self._run(self._follow_all)

    async def read_once(self) -> Outcome:
        """Read what every file has now and deliver, however long the server takes."""
        return await self._run(self._read_all)

    def stop(self) -> None:
        """Read no more, and deliver what was read for at most `shutdown_timeout`."""
        self._reading_scope.cancel()
        self._delivery_scope.deadline = trio.current_time() + self._config.shutdown_timeout.seconds

    async def _run(self, read: Callable[[Reading], Awaitable[None]]) -> Outcome:
        chunks_in, chunks_out = trio.open_memory_channel[Chunk](0)
        batches_in, batches_out = trio.open_memory_channel[Batch](0)
        async with trio.open_nursery() as helpers:
            await helpers.start(self._obey_signals)
            helpers.start_soon(self._keeper.save_regularly)
            with self._delivery_scope:
                async with trio.open_nursery() as delivery:
                    delivery.start_soon(gather, chunks_out, batches_in, self._config.batch)
                    delivery.start_soon(self._sender.run, batches_out)
                    with chunks_in, self._reading_scope:
                        await read(Reading(chunks_in))
            helpers.cancel_scope.cancel()
        unreadable = len(self._roster.unreadable)
        await self._keeper.save()
        was_interrupted = self._reading_scope.cancelled_caught or self._delivery_scope.cancelled_caught
        return Outcome(self._dead_letters.count, unreadable, was_interrupted)

    async def _obey_signals(self, task_status: trio.TaskStatus[None]) -> None:
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            task_status.started()
            async for number in signals:
                if self._reading_scope.cancel_called:
                    _log.warning("stopping at once")
                    self._delivery_scope.cancel()
                else:
                    _log.info("stopping on %s", signal.Signals(number).name)
                    self.stop()

    # -- reading -------------------------------------------------------------------------------------------------------

    async def _follow_all(self, reading: Reading) -> None:
        await self._find_files()
        async with trio.open_nursery() as nursery:
            self._start_newcomers(nursery, reading)
            nursery.start_soon(self._search_regularly, nursery, reading)
            nursery.start_soon(self._look_regularly, nursery, reading)

    async def _read_all(self, reading: Reading) -> None:
        await self._find_files()
        async with trio.open_nursery() as nursery:
            for follower in self._roster.newcomers():
                nursery.start_soon(self._finish, follower, follower.read_to_end, reading)

    async def _find_files(self) -> None:
        findings = await trio.to_thread.run_sync(self._discovery.search)
        self._roster.restore(findings)
        at_end = self._is_first_start and self._config.files.start_position == "end"
        self._roster.join(findings, begin=begin_at_end if at_end else begin_at_start)
        if not findings.files:
            _log.warning("no file matches yet: %s", ", ".join(target.path for target in self._config.targets))

    async def _search_regularly(self, nursery: trio.Nursery, reading: Reading) -> None:
        while True:
            await trio.sleep(self._config.files.discovery_interval.seconds)
            findings = await trio.to_thread.run_sync(self._discovery.search)
            # A thread is not cancelled; when it ends the followers may be gone already, and with them what is a copy.
            await trio.lowlevel.checkpoint_if_cancelled()
            self._roster.join(findings, begin=begin_at_start)
            self._start_newcomers(nursery, reading)

    async def _look_regularly(self, nursery: trio.Nursery, reading: Reading) -> None:
        while True:
            await trio.sleep(self._config.files.poll_interval.seconds)
            self._roster.look()
            self._start_newcomers(nursery, reading)

    def _start_newcomers(self, nursery: trio.Nursery, reading: Reading) -> None:
        for follower in self._roster.newcomers():
            nursery.start_soon(self._finish, follower, follower.follow, reading)

    async def _finish(self, follower: Follower, work: Callable[[Reading], Awaitable[None]], reading: Reading) -> None:
        try:
            await work(reading)
        finally:
            self._roster.ended(follower)


async def run_agent(config: AgentConfig, run: Callable[[Agent], Awaitable[Outcome]]) -> Outcome:
    """Run an agent, by `Agent.follow` or `Agent.read_once`, with its positions file.

    Raises:
        StorageError: the positions file is held by another agent, or cannot be used.
    """
    with open_positions_file(Path(config.positions_file)) as file:
        return await run(Agent(config, file))
