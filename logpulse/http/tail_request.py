"""What a client of /stream asks for in its URL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import attrs

from logpulse.errors import InvalidRequestError, LimitExceededError
from logpulse.limits import HISTORY_ENTRIES
from logpulse.logql.ast import LogQuery, Selector
from logpulse.logql.parser import parse_log_query
from logpulse.model.labels import is_label_name
from logpulse.model.matcher import Matcher, MatchOperator
from logpulse.units import parse_time

_COUNT: Final = re.compile(r"[0-9]{1,18}")
_RESERVED: Final = frozenset({"query", "start", "tail", "batch"})


@attrs.frozen
class History:
    """Ask for the `newest` entries before the live ones, of those from `start` on (unix nanoseconds) if it is given."""

    newest: int
    start: int | None = None


@attrs.frozen
class TailRequest:
    """Hold a tail's filter as a query and as the client wrote it, its history, and how it wants its entries."""

    query: LogQuery
    shown_filter: dict[str, str]
    history: History | None
    batched: bool


def parse_tail_request(parameters: Mapping[str, str]) -> TailRequest:
    """Read the parameters of /stream: the reserved ones, and labels that must be equal.

    Raises:
        InvalidRequestError: a parameter makes no sense, a query and labels are given together, or the query ends in
            `context`.
        QuerySyntaxError: the query is malformed, or no log query.
        LimitExceededError: more history than HISTORY_ENTRIES is asked for.
    """
    labels = {name: value for name, value in parameters.items() if name not in _RESERVED}
    text = parameters.get("query", "")
    if text and labels:
        raise InvalidRequestError("query", text, f"excludes label parameters such as {next(iter(labels))}")
    batch = parameters.get("batch", "0")
    if batch not in ("0", "1"):
        raise InvalidRequestError("batch", batch, "must be 0 or 1")
    return TailRequest(
        query=tail_query(text) if text else labels_query(labels),
        shown_filter={"query": text} if text else labels,
        history=_history(parameters),
        batched=batch == "1",
    )


def tail_query(text: str) -> LogQuery:
    """Read the query of a tail, which may choose every stream, as no query does.

    Raises:
        QuerySyntaxError, LimitExceededError: the query is malformed, or no log query.
        InvalidRequestError: it ends in `context`.
    """
    query = parse_log_query(text)
    if query.context is not None:
        reason = f"must not end in `{query.context}`, as a tail shows entries when they come"
        raise InvalidRequestError("query", text, reason)
    return query


def labels_query(labels: Mapping[str, str]) -> LogQuery:
    """Ask for the streams with these labels; for no labels, all streams.

    Raises:
        InvalidRequestError: a name can name no label.
    """
    for name in labels:
        if not is_label_name(name):
            raise InvalidRequestError("label name", name, "must match [a-zA-Z_][a-zA-Z0-9_]*")
    matchers = tuple(Matcher(name, MatchOperator.EQUAL, value) for name, value in labels.items())
    return LogQuery(Selector(matchers), ())


def _history(parameters: Mapping[str, str]) -> History | None:
    start, tail = parameters.get("start", ""), parameters.get("tail", "")
    if start and tail:
        raise InvalidRequestError("tail", tail, "excludes start")
    if start:
        return History(HISTORY_ENTRIES, parse_time(start, field="start"))
    if not tail:
        return None
    if not _COUNT.fullmatch(tail):
        raise InvalidRequestError("tail", tail, "must be a whole number")
    newest = int(tail)
    if newest > HISTORY_ENTRIES:
        raise LimitExceededError("tail", HISTORY_ENTRIES, newest)
    return History(newest) if newest else None
