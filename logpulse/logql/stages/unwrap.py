"""The stage `| unwrap`: the value of a label as the sample of a range aggregation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from logpulse.logql.ast import Unwrap, UnwrapConversion
from logpulse.logql.conversion import ConversionError, parse_bytes, parse_float, parse_seconds
from logpulse.logql.record import Record, Sample

_ERROR: Final = "SampleExtractionErr"
_CONVERSIONS: Final = {
    UnwrapConversion.NUMBER: parse_float,
    UnwrapConversion.BYTES: parse_bytes,
    UnwrapConversion.DURATION: parse_seconds,
    UnwrapConversion.DURATION_SECONDS: parse_seconds,
}


def exact(stage: Unwrap) -> Sample:
    """Give the sample of one entry: a number, bytes or seconds; None if the label is missing or empty.

    What cannot be converted gives 0, and the record an error: a label filter behind the stage may still drop it, and
    otherwise the query fails.
    """
    name, convert = stage.label, _CONVERSIONS[stage.conversion]

    def sample(record: Record) -> float | None:
        text = record.labels.get(name)
        if not text:
            return None
        try:
            return float(convert(text))
        except ConversionError as error:
            record.fail(_ERROR, str(error))
            return 0.0

    return sample


def conversion(stage: Unwrap) -> Callable[[str], float]:
    """Give what makes a number of the label's value; it raises ConversionError where the value is none."""
    convert = _CONVERSIONS[stage.conversion]
    return lambda text: float(convert(text))
