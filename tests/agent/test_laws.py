"""Whatever happens to the files, the agent and the server: every line arrives, once, in order."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import attrs
import hypothesis.strategies as st
import trio
from hypothesis import given, note, settings

from agent.agent import Agent, Outcome, run_agent

from .fake_server import FakeServer, Reply
from .running import PATIENCE, Workplace

OPERATIONS = (
    "write",
    "write many",
    "partial",
    "rename",
    "copytruncate",
    "delete",
    "truncate",
    "sync",
    "kill",
    "stop",
    "start",
    "server down",
    "server busy",
    "server up",
)


@attrs.define
class Generation:
    """Hold what was written to one file between its creation and its end; `is_known` once a line of it arrived."""

    lines: list[str] = attrs.field(factory=list)
    partial: str = ""
    is_known: bool = False


@attrs.define
class World:
    """Do things to one log, and keep in mind what has to arrive."""

    place: Workplace
    nursery: trio.Nursery
    matches_rotated: bool
    required: Counter[str] = attrs.field(factory=Counter)
    optional: Counter[str] = attrs.field(factory=Counter)
    ended: list[Generation] = attrs.field(factory=list)
    current: Generation = attrs.field(factory=Generation)
    count: int = 0
    _agent: Agent | None = None
    _life: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    _agent_gone: trio.Event = attrs.field(factory=trio.Event)
    _is_server_up: bool = True

    @property
    def log(self) -> Path:
        return self.place.logs / "app.log"

    @property
    def server(self) -> FakeServer:
        return self.place.server

    def text(self) -> str:
        self.count += 1
        return f"line {self.count} " + "x" * (self.count * 37 % 200)

    async def do(self, operation: str) -> None:
        match operation:
            case "write":
                self.write(1)
            case "write many":
                self.write(400)
            case "partial":
                self.current.partial += (piece := f"part{self.text()}")
                self.append(piece)
            case "rename":
                await self.settle_current()
                if self.log.exists():
                    self.move_rotated()
                    self.log.rename(self.rotated(1))
                    self.end_generation(partial_arrives=not self.matches_rotated)
            case "copytruncate":
                await self.settle_current()
                if self.log.exists():
                    self.move_rotated()
                    shutil.copyfile(self.log, self.rotated(1))
                    os.truncate(self.log, 0)
                    self.end_generation(partial_arrives=not self.matches_rotated)
            case "delete" | "truncate":
                await self.sync()
                self.forget(self.current)
                if operation == "delete":
                    self.log.unlink(missing_ok=True)
                elif self.log.exists():
                    os.truncate(self.log, 0)
                self.end_generation(partial_arrives=False)
            case "sync":
                await self.sync()
            case "kill":
                await self.kill()
            case "stop":
                if self._agent is not None:
                    self._agent.stop()
                    await self._agent_gone.wait()
            case "start":
                await self.start()
            case "server down":
                self.server.stop()
                self._is_server_up = False
            case "server busy":
                self.server.always = Reply(429, headers=(("retry-after", "0"),))
            case "server up":
                self.server.always = None
                if not self._is_server_up:
                    await self.server.start_again()
                    self._is_server_up = True

    def append(self, text: str) -> None:
        with self.log.open("a") as file:
            file.write(text)

    def write(self, count: int) -> None:
        lines = [self.text() for _ in range(count)]
        lines[0] = self.current.partial + lines[0]
        self.append("\n".join([lines[0].removeprefix(self.current.partial), *lines[1:]]) + "\n")
        self.current.partial = ""
        self.current.lines += lines
        self.required.update(lines)

    def rotated(self, number: int) -> Path:
        return self.log.with_name(f"app.log.{number}")

    def move_rotated(self) -> None:
        for number in range(30, 0, -1):
            if self.rotated(number).exists():
                self.rotated(number).rename(self.rotated(number + 1))

    def end_generation(self, *, partial_arrives: bool) -> None:
        if self.current.partial:
            self.current.lines.append(self.current.partial)
            (self.required if partial_arrives and self.current.is_known else self.optional)[self.current.partial] += 1
        self.ended.append(self.current)
        self.current = Generation()

    async def settle_current(self) -> None:
        """Before a rotation: a file that the agent has not met and never will cannot be asked for."""
        if self.can_deliver and not self.matches_rotated:
            await self.sync()
        known = set(self.server.lines)
        self.current.is_known = self.matches_rotated or any(line in known for line in self.current.lines)
        if not self.current.is_known:
            self.forget(self.current)

    def forget(self, generation: Generation) -> None:
        arrived = Counter(self.server.lines)
        for line in generation.lines:
            if not arrived[line] and self.required[line]:
                self.required[line] -= 1
                self.optional[line] += 1

    @property
    def can_deliver(self) -> bool:
        return self._agent is not None and self._is_server_up and self.server.always is None

    async def sync(self) -> None:
        if self.can_deliver:
            await self.server.wait_for(lambda: self.required <= Counter(self.server.lines))

    async def start(self) -> None:
        if self._agent is None:
            self._agent_gone = trio.Event()
            await self.nursery.start(self._run)

    async def _run(self, task_status: trio.TaskStatus[None]) -> None:
        async def follow(agent: Agent) -> Outcome:
            self._agent = agent
            task_status.started()
            return await agent.follow()

        with trio.CancelScope() as self._life:
            await run_agent(self.place.config(), follow)
        self._agent = None
        self._agent_gone.set()

    async def kill(self) -> None:
        if self._agent is not None:
            self._life.cancel()
            await self._agent_gone.wait()

    async def finish(self) -> None:
        for operation in ("server up", "start", "sync", "stop"):
            await self.do(operation)

    def check(self) -> None:
        arrived = Counter(self.server.lines)
        assert not self.required - arrived, "lost"
        assert not arrived - self.required - self.optional, "repeated or invented"
        order = {line: place for place, line in enumerate(sorted(self.server.stored, key=lambda each: each.ts))}
        places = {entry.line: place for entry, place in order.items()}
        for generation in [*self.ended, self.current]:
            seen = [places[line] for line in generation.lines if line in places]
            assert seen == sorted(seen), "out of order"


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(OPERATIONS), max_size=30), st.booleans())
async def test_every_line_arrives_once(operations: list[str], matches_rotated: bool) -> None:
    with tempfile.TemporaryDirectory() as folder, trio.fail_after(2 * PATIENCE):
        async with trio.open_nursery() as nursery:
            server = FakeServer()
            await server.start(nursery)
            place = Workplace(Path(folder), server)
            place.targets = [{"path": f"{place.logs}/app.log" + "*" * matches_rotated}]
            world = World(place, nursery, matches_rotated)
            await world.start()
            for operation in operations:
                await world.do(operation)
            try:
                await world.finish()
            except trio.TooSlowError:
                note(f"missing {world.required - Counter(server.lines)}")
                raise
            world.check()
            nursery.cancel_scope.cancel()
