"""The series of a metric query as numbers: their points and what sums them up."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Self

import attrs
import msgspec

from logpulse.client.escape import escape
from logpulse.client.wire import Series
from logpulse.errors import InvalidRequestError
from logpulse.model.labels import Labels
from logpulse.units import parse_rfc3339

_SERIES = msgspec.json.Decoder(Series)


@attrs.frozen
class Summary:
    """Sum up values, those that are NaN left out; NaN where nothing else is known. `last` may be NaN anyway."""

    last: float
    least: float
    most: float
    average: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Sum up the values of one series, in their order."""
        known = [value for value in values if not math.isnan(value)]
        if not known:
            return cls(math.nan, math.nan, math.nan, math.nan)
        return cls(values[-1], min(known), max(known), _average(known))


@attrs.frozen
class MetricSeries:
    """Hold one series: its labels as a selector that is harmless to a terminal, and its points in order of time."""

    selector: str
    times: Sequence[str]
    values: Sequence[float]
    summary: Summary

    @classmethod
    def of(cls, document: msgspec.Raw) -> Self:
        """Read a series as the server sent it.

        Raises:
            msgspec.DecodeError: it lacks a field or has one of another type.
            InvalidRequestError: a value is no number.
        """
        series = _SERIES.decode(document)
        values = [_number(value) for _, value in series.points]
        times = [moment for moment, _ in series.points]
        return cls(selector_text(series.labels), times, values, Summary.of(values))

    def moments(self) -> list[int]:
        """Give the times of the points as unix nanoseconds.

        Raises:
            InvalidRequestError: one is no RFC 3339 time.
        """
        return [parse_rfc3339(moment) for moment in self.times]


def largest_first(series: Iterable[MetricSeries]) -> list[MetricSeries]:
    """Sort series by their average, those without a number last, equal ones by their labels."""

    def rank(one: MetricSeries) -> tuple[bool, float, str]:
        average = one.summary.average
        return math.isnan(average), 0.0 if math.isnan(average) else -average, one.selector

    return sorted(series, key=rank)


def selector_text(labels: dict[str, str]) -> str:
    """Write labels as a LogQL selector, sorted by name, harmless to a terminal."""
    return escape(str(Labels(tuple(sorted(labels.items())))))


def _number(value: float | str) -> float:
    try:
        return float(value)
    except ValueError:
        raise InvalidRequestError("value", value, "must be a number, NaN, +Inf or -Inf") from None


def _average(values: Sequence[float]) -> float:
    total = sum(values)
    # Infinite where the numbers are too large to be added, or are infinite themselves.
    return total / len(values) if math.isfinite(total) else sum(value / len(values) for value in values)
