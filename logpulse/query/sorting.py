"""Sorting of millions of rows that can be stopped half-way, which numpy's own sorts cannot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from logpulse.batch import Int64Array
from logpulse.query.interrupt import Interrupt, checked
from logpulse.query.matrix import Float64Array

_DIGIT_BITS: Final = 16  # numpy sorts so many by their digits, in linear time
_SIGN: Final = np.uint64(1 << 63)

UInt64Array = npt.NDArray[np.uint64]
UInt16Array = npt.NDArray[np.uint16]
Order = npt.NDArray[np.intp]


def sorted_order(keys: Sequence[Int64Array | UInt64Array], interrupt: Interrupt | None = None) -> Order:
    """Give the stable order of rows by some columns of one length, the most important one last, as `np.lexsort`.

    The rows are sorted digit by digit, from the lowest on; only digits in which they differ cost anything.

    Raises:
        QueryCancelledError: `interrupt` was pulled.
    """
    order: Order = np.arange(len(keys[0]))
    for key in keys:
        for digits in checked(_digits(key), interrupt):
            order = order[np.argsort(digits[order], kind="stable")]
    return order


def sort_keys(values: Float64Array) -> UInt64Array:
    """Give integers in the order of numbers; NaN is the smallest."""
    bits = (values + 0.0).view(np.uint64)  # which makes -0 and 0 one number
    keys: UInt64Array = np.where(bits & _SIGN, ~bits, bits | _SIGN)
    keys[np.isnan(values)] = 0
    return keys


def _digits(key: Int64Array | UInt64Array) -> Iterator[UInt16Array]:
    if not len(key):
        return
    above = (key - key.min()).view(np.uint64)  # right even where the difference does not fit into 63 bits
    for shift in range(0, int(above.max()).bit_length(), _DIGIT_BITS):
        yield (above >> np.uint64(shift)).astype(np.uint16)
