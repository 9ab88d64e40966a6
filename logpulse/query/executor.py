"""Where scans run: a locked-down in-memory DuckDB in this process. The seam for more machines.

A `ScanTask` is a value: SQL, parameters and the names of files. Entries that are only in this process's memory travel
beside it as Arrow tables.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

import attrs
import duckdb
import pyarrow as pa

from logpulse.errors import LimitExceededError, QueryCancelledError
from logpulse.query.interrupt import Interrupt


@attrs.define(eq=False, slots=False)
class UnreadableSourceError(Exception):
    """Report that the engine could not read one of a task's files; which one it does not say reliably."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@attrs.define(eq=False, slots=False)
class QueryMemoryError(LimitExceededError):
    """Refuse a scan that needs more memory than all scans together may have."""


@attrs.frozen(eq=False)
class ScanTask:
    """Ask for the rows of one SQL query; `tables` are visible to it under their names."""

    sql: str
    parameters: tuple[str | int | list[str], ...] = ()
    tables: Mapping[str, pa.Table] = attrs.field(factory=dict)


_MEMORY_SETTING: Final = "query.memory"


class Executor:
    """Run scan tasks, each on a cursor of its own, so several threads may run tasks at once.

    Args:
        data: the only folder that queries may read.
        threads: of one scan; 0 means one per core.
        memory: bytes for all scans together.
    """

    def __init__(self, data: Path, *, threads: int, memory: int) -> None:
        self._memory = memory
        self._database = duckdb.connect(
            config={
                "threads": str(threads or os.cpu_count() or 1),
                "memory_limit": f"{memory // 2**20}MiB",
                "temp_directory": "",
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            }
        )
        self._database.execute("set preserve_insertion_order = false")  # every query that cares orders explicitly
        self._database.execute("set allowed_directories = $folders", {"folders": [f"{data.resolve()}/"]})
        self._database.execute("set enable_external_access = false")
        self._database.execute("set lock_configuration = true")

    def run(self, task: ScanTask, interrupt: Interrupt) -> pa.Table:
        """Run a task to its end.

        Raises:
            QueryCancelledError: `interrupt` was pulled.
            QueryMemoryError: the task needs more memory than allowed.
            UnreadableSourceError: a file is damaged or gone.
        """
        with self._database.cursor() as cursor:
            for name, table in task.tables.items():
                cursor.register(name, table)
            try:
                with interrupt.guarding(cursor):
                    return cursor.sql(task.sql, params=list(task.parameters)).to_arrow_table()
            except duckdb.InterruptException as error:
                raise QueryCancelledError from error
            except duckdb.OutOfMemoryException as error:
                limit = f"{self._memory} bytes"
                raise QueryMemoryError("query memory", limit, "a query that needs more", _MEMORY_SETTING) from error
            except duckdb.Error as error:  # damage comes in many classes, even as the root of them
                raise UnreadableSourceError(str(error)) from error

    def close(self) -> None:
        """Let go of the engine's memory and threads."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
