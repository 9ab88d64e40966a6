"""Answers of Loki's routes for metadata, as JSON. Where nothing was found, that of a detection is an empty object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from logpulse.query.detected_fields import DetectedField
from logpulse.query.index_stats import IndexStats

_ENCODER: Final = msgspec.json.Encoder()


class ListJson(msgspec.Struct):
    """Names, values or label sets."""

    status: Literal["success"]
    data: Sequence[str] | Sequence[dict[str, str]]


class IndexStatsJson(msgspec.Struct):
    """What a query would look at."""

    streams: int
    chunks: int
    bytes: int
    entries: int


class DetectedLabelJson(msgspec.Struct):
    """A label and the number of its values."""

    label: str
    cardinality: int


class DetectedLabelsJson(msgspec.Struct, rename="camel"):
    """Labels worth choosing by."""

    detected_labels: Sequence[DetectedLabelJson]


class DetectedFieldJson(msgspec.Struct, rename="camel"):
    """A field; a path is there only if the field stands in JSON."""

    label: str
    type: str
    cardinality: int
    parsers: Sequence[str] | None
    json_path: Sequence[str] | msgspec.UnsetType


class DetectedFieldsJson(msgspec.Struct):
    """Fields, and how many there could have been."""

    fields: Sequence[DetectedFieldJson]
    limit: int


class FieldValuesJson(msgspec.Struct):
    """Values of a field, and how many there could have been."""

    values: Sequence[str]
    limit: int


def list_answer(data: Sequence[str] | Sequence[dict[str, str]]) -> bytes:
    """Write names, values or label sets."""
    return _ENCODER.encode(ListJson("success", data))


def index_stats_answer(stats: IndexStats) -> bytes:
    """Write what a query would look at; without an envelope, unlike all else."""
    return _ENCODER.encode(IndexStatsJson(stats.streams, stats.chunks, stats.text_bytes, stats.entries))


def detected_labels_answer(cardinalities: Mapping[str, int]) -> bytes:
    """Write labels with the number of their values."""
    if not cardinalities:
        return b"{}"
    return _ENCODER.encode(DetectedLabelsJson([DetectedLabelJson(*each) for each in cardinalities.items()]))


def detected_fields_answer(fields: Sequence[DetectedField], limit: int) -> bytes:
    """Write fields; `limit` is what the request asked for."""
    if not fields:
        return b"{}"
    written = [
        DetectedFieldJson(
            each.label, each.type.value, each.cardinality, each.parsers or None, each.json_path or msgspec.UNSET
        )
        for each in fields
    ]
    return _ENCODER.encode(DetectedFieldsJson(written, limit))


def field_values_answer(values: Sequence[str], limit: int) -> bytes:
    """Write the values of a field likewise."""
    return _ENCODER.encode(FieldValuesJson(values, limit)) if values else b"{}"
