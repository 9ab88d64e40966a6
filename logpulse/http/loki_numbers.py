"""Numbers as Loki writes them: values as text in the fewest digits without exponent, times as seconds."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import pyarrow as pa

from logpulse.query.matrix import Float64Array

_MILLISECOND_NS: Final = 1_000_000
_NAMES: Final = {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}


def number_texts(values: Float64Array) -> pa.DictionaryArray:
    """Write values, each different one once: `137.95`, `1000000`, `NaN`, `+Inf`, `-Inf`."""
    encoded = pa.array(values).dictionary_encode()
    # Arrow writes the fewest digits too, and very large and very small numbers with an exponent.
    texts = encoded.dictionary.cast(pa.string())
    if _has_letter(texts):
        texts = pa.array([_without_exponent(text) for text in texts.to_pylist()], pa.string())
    return pa.DictionaryArray.from_arrays(encoded.indices, texts)


def _has_letter(texts: pa.Array) -> bool:
    content = texts.buffers()[2]
    return content is not None and any(letter in content.to_pybytes() for letter in (b"e", b"n"))


def _without_exponent(text: str) -> str:
    return _NAMES.get(text) or (f"{Decimal(text):f}" if "e" in text else text)


def seconds_text(time_ns: int) -> str:
    """Write unix nanoseconds as seconds with as many of three decimals as needed, rounded down to milliseconds."""
    seconds, milliseconds = divmod(time_ns // _MILLISECOND_NS, 1000)
    if not milliseconds:
        return str(seconds)
    exact = Decimal(seconds) + Decimal(milliseconds).scaleb(-3)
    return f"{exact.normalize():f}"


def milliseconds(time_ns: int) -> int:
    """Give unix nanoseconds as milliseconds, in which Loki dates a scalar."""
    return time_ns // _MILLISECOND_NS
