"""Where scans run: a locked-down in-memory DuckDB in this process. The seam for more machines.

A `ScanTask` is a value: SQL, parameters and the names of files. Entries that are only in this process's memory travel
beside it as Arrow tables.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, Self

import attrs
import duckdb
import pyarrow as pa

from logpulse.errors import LimitExceededError, LogPulseError, QueryCancelledError
from logpulse.limits import ROWS_PER_BATCH
from logpulse.query.interrupt import Interrupt


@attrs.define(eq=False, slots=False)
class UnreadableSourceError(Exception):
    """Report that the engine could not read one of a task's files; which one it does not say reliably."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@attrs.define(eq=False, slots=False)
class MalformedJsonError(Exception):
    """Report that a task took lines for JSON without looking, and met one that is not."""


@attrs.define(eq=False, slots=False)
class QueryMemoryError(LimitExceededError):
    """Refuse a scan that needs more memory than all scans together may have."""


@attrs.define(eq=False, slots=False)
class EngineFaultError(LogPulseError):
    """Report that the scan engine failed by its own fault: no source and no query is to blame."""

    reason: str

    def __str__(self) -> str:
        return f"the scan engine failed; the server's log has the details ({self.reason})"


@attrs.frozen(eq=False)
class ScanTask:
    """Ask for the rows of one SQL query; `tables` are visible to it under their names."""

    sql: str
    parameters: tuple[str | int | float | list[str], ...] = ()
    tables: Mapping[str, pa.Table] = attrs.field(factory=dict)


_MEMORY_SETTING: Final = "query.memory"
_OUT_OF_MEMORY: Final = "Out of Memory"
_MALFORMED: Final = "Malformed JSON"


class Executor:
    """Run scan tasks, each on a cursor of its own, so several threads may run tasks at once.

    Args:
        data: the only folder that queries may read.
        threads: of one scan; 0 means one per core.
        memory: bytes for all scans together.
    """

    def __init__(self, data: Path, *, threads: int, memory: int) -> None:
        self._connect = partial(_connect, data.resolve(), threads or os.cpu_count() or 1, memory)
        self.memory = memory
        self._database = self._connect()
        self._renewal = threading.Lock()

    def run(self, task: ScanTask, interrupt: Interrupt) -> pa.Table:
        """Run a task to its end.

        Raises:
            QueryCancelledError: `interrupt` was pulled.
            QueryMemoryError: the task needs more memory than allowed.
            UnreadableSourceError: a file is damaged or gone.
            MalformedJsonError: the task takes lines for JSON and one is not.
            EngineFaultError: DuckDB failed by its own fault; the next task finds it renewed.
        """
        with self._running(task, interrupt) as cursor:
            return self._read(cursor, task).to_arrow_table()

    def stream(self, task: ScanTask, interrupt: Interrupt) -> Generator[pa.RecordBatch, None, None]:
        """Run a task and give its rows as they come, some thousands at a time; raises as `run` does.

        Whoever stops half-way closes the generator, which ends the scan.
        """
        with self._running(task, interrupt) as cursor:
            yield from self._read(cursor, task).to_arrow_reader(ROWS_PER_BATCH)

    @staticmethod
    def _read(cursor: duckdb.DuckDBPyConnection, task: ScanTask) -> duckdb.DuckDBPyRelation:
        return cursor.sql(task.sql, params=list(task.parameters))

    @contextmanager
    def _running(self, task: ScanTask, interrupt: Interrupt) -> Iterator[duckdb.DuckDBPyConnection]:
        database = self._database
        with database.cursor() as cursor:
            for name, table in task.tables.items():
                cursor.register(name, table)
            try:
                with interrupt.guarding(cursor):
                    yield cursor
            except duckdb.InterruptException as error:
                raise QueryCancelledError from error
            except duckdb.OutOfMemoryException as error:
                raise self._too_large() from error
            except (duckdb.InternalException, duckdb.FatalException) as error:
                self._renew(database)
                raise EngineFaultError(str(error).partition("\n")[0]) from error
            except duckdb.InvalidInputException as error:
                if _MALFORMED in str(error):
                    raise MalformedJsonError from error
                raise UnreadableSourceError(str(error)) from error
            except duckdb.Error as error:  # damage comes in many classes, even as the root of them
                raise UnreadableSourceError(str(error)) from error
            except UnicodeDecodeError as error:  # DuckDB cuts lines that it quotes, even in a character
                message = error.object.decode(errors="replace")
                if _MALFORMED in message:
                    raise MalformedJsonError from error
                raise UnreadableSourceError(message) from error
            except (OSError, pa.ArrowException) as error:  # what DuckDB raises between the batches of a stream
                interrupt.check()
                if _OUT_OF_MEMORY in str(error):
                    raise self._too_large() from error
                if _MALFORMED in str(error):
                    raise MalformedJsonError from error
                raise UnreadableSourceError(str(error)) from error

    def _renew(self, failed: duckdb.DuckDBPyConnection) -> None:
        """Open another database in place of one that failed: DuckDB may refuse all further work in that."""
        with self._renewal:
            if self._database is failed:
                self._database = self._connect()

    def _too_large(self) -> QueryMemoryError:
        return QueryMemoryError("query memory", f"{self.memory} bytes", "a query that needs more", _MEMORY_SETTING)

    def close(self) -> None:
        """Let go of the engine's memory and threads."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _connect(folder: Path, threads: int, memory: int) -> duckdb.DuckDBPyConnection:
    database = duckdb.connect(
        config={
            "threads": str(threads),
            "memory_limit": f"{memory // 2**20}MiB",
            "temp_directory": "",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
    )
    database.execute("set preserve_insertion_order = false")  # every query that cares orders explicitly
    database.execute("set allowed_directories = $folders", {"folders": [f"{folder}/"]})
    database.execute("set enable_external_access = false")
    database.execute("set lock_configuration = true")
    return database
