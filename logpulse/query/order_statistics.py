"""The k-th smallest of many overlapping runs of one array, without sorting any of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logpulse.batch import Int64Array
from logpulse.query.interrupt import Interrupt, checked
from logpulse.query.matrix import Float64Array
from logpulse.query.sorting import sort_keys, sorted_order


def quantiles(
    values: Float64Array, lows: Int64Array, highs: Int64Array, quantile: float, interrupt: Interrupt | None = None
) -> Float64Array:
    """Give the quantile of values[low:high] for each of the runs, interpolated as Prometheus does. No run is empty.

    NaN counts as the smallest value. Below 0 a quantile is -Inf and above 1 +Inf.

    Raises:
        QueryCancelledError: `interrupt` was pulled.
    """
    if not 0 <= quantile <= 1:
        return np.full(lows.shape, np.nan if np.isnan(quantile) else np.copysign(np.inf, quantile))
    last = highs - lows - 1
    rank = quantile * last
    below = np.floor(rank).astype(np.int64)
    weight = rank - below
    ranks = np.stack([below, below + 1])
    lower, upper = _smallest(values, np.stack([lows, lows]), np.stack([highs, highs]), ranks, interrupt)
    upper = np.where(below < last, upper, lower)
    with np.errstate(invalid="ignore"):
        interpolated: Float64Array = lower * (1 - weight) + upper * weight
    return interpolated


def _smallest(
    values: Float64Array, lows: Int64Array, highs: Int64Array, ranks: Int64Array, interrupt: Interrupt | None
) -> Float64Array:
    """Give the values of these ranks (from 0) in the runs, by a wavelet matrix over the order of all values.

    Bit by bit, from the highest, each run is narrowed to its places with the bit of the one looked for: all places are
    sorted by that bit, and counting the zeros before a run's ends tells where they went. It takes as many steps as the
    number of different values has bits, whatever the runs are.
    """
    different, places = _placed(values, interrupt)
    found = np.zeros(ranks.shape, dtype=np.int64)
    zeros = np.zeros(len(values) + 1, dtype=np.int64)
    for bit in checked(reversed(range(len(different).bit_length())), interrupt):
        one = (places >> bit) & 1 == 1
        np.cumsum(~one, out=zeros[1:])
        low, high = zeros[lows], zeros[highs]
        into_ones = ranks >= high - low
        found |= into_ones.astype(np.int64) << bit
        ranks = np.where(into_ones, ranks - (high - low), ranks)
        lows = np.where(into_ones, zeros[-1] + lows - low, low)
        highs = np.where(into_ones, zeros[-1] + highs - high, high)
        places = np.concatenate([places[~one], places[one]])
    return different[np.minimum(found, len(different) - 1)]


def _placed(values: Float64Array, interrupt: Interrupt | None) -> tuple[Float64Array, npt.NDArray[np.int32]]:
    """Give the different values, the smallest first, and for each value its place among them."""
    # Found by hashing: they are fewer than the values by far, mostly, and sorting takes longer.
    encoded = pa.array(values).dictionary_encode()
    different: Float64Array = encoded.dictionary.to_numpy(zero_copy_only=False)
    order = sorted_order([sort_keys(different)], interrupt)
    places = np.empty(len(order), dtype=np.int32)
    places[order] = np.arange(len(order))
    return different[order], places[encoded.indices.to_numpy()]
