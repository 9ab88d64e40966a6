"""Windows: what they cover, and how what is known of intervals becomes what is known of windows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.query.windows import State, Summary, Windows

NEWEST = 2**63 - 1

windows = st.builds(
    lambda start, step, number, range_ns, offset_ns: Windows(start + step * np.arange(number), range_ns, offset_ns),
    st.integers(0, 50),
    st.integers(1, 20),
    st.integers(1, 12),
    st.integers(1, 100),
    st.integers(-30, 30),
)


def test_a_window_is_open_at_the_start_and_closed_at_the_end() -> None:
    found = Windows(np.array([100, 110]), 30, 5)
    assert (found.starts.tolist(), found.ends.tolist()) == ([65, 75], [95, 105])
    assert found.cut.bounds.tolist() == [65, 75, 95, 105]
    assert (found.cut.firsts.tolist(), found.cut.lasts.tolist()) == ([0, 1], [2, 3])


@pytest.mark.parametrize(
    ("range_ns", "offset_ns", "starts", "ends"),
    [
        (NEWEST, 0, [-NEWEST, 0], [0, NEWEST]),
        (NEWEST, NEWEST, [-NEWEST - 1, -NEWEST], [-NEWEST, 0]),
        (1, -NEWEST, [NEWEST - 1, NEWEST], [NEWEST, NEWEST]),
        (1, -(2**64), [NEWEST, NEWEST], [NEWEST, NEWEST]),
        (5, 2**64, [-NEWEST - 1, -NEWEST - 1], [-NEWEST - 1, -NEWEST - 1]),
    ],
)
def test_no_window_leaves_the_time_there_is(range_ns: int, offset_ns: int, starts: list[int], ends: list[int]) -> None:
    found = Windows(np.array([0, NEWEST]), range_ns, offset_ns)
    assert (found.starts.tolist(), found.ends.tolist()) == (starts, ends)
    assert (found.cut.firsts <= found.cut.lasts).all()


@given(windows)
def test_each_window_is_a_run_of_intervals(found: Windows) -> None:
    cut = found.cut
    assert cut.size <= 2 * len(found.times)
    assert cut.bounds[cut.firsts].tolist() == found.starts.tolist()
    assert cut.bounds[cut.lasts].tolist() == found.ends.tolist()


def _joined(earlier: State, later: State) -> State:
    """Write runs as decimal digits, an operation whose order matters: (number, 10 ** digits)."""
    return earlier[0] * later[1] + later[0], earlier[1] * later[1]


@given(windows, st.data())
def test_windows_join_their_intervals_in_order(found: Windows, data: st.DataObject) -> None:
    cut = found.cut
    digits = data.draw(st.lists(st.integers(1, 9), min_size=cut.size, max_size=cut.size))
    numbers = np.array([digits, digits[::-1]], dtype=np.float64)
    joined, _ = Summary((0.0, 1.0), _joined).over_windows((numbers, np.full(numbers.shape, 10.0)), cut)
    for row, written in zip(joined, (digits, digits[::-1]), strict=True):
        expected = [
            float("".join(map(str, written[first:last])) or 0)
            for first, last in zip(cut.firsts.tolist(), cut.lasts.tolist(), strict=True)
        ]
        assert row.tolist() == pytest.approx(expected)


def test_sums_lose_no_digits() -> None:
    """A giant leaves no trace in the windows after it, as it would in differences of running totals."""
    found = Windows(np.arange(1, 9, dtype=np.int64), 2)
    values = np.array([[1e300, 0.1, 0.2, 0.3, 0.1, 0.2, 0.3, 0.1, 0.2]])
    add = Summary((0.0,), lambda earlier, later: (earlier[0] + later[0],))
    (sums,) = add.over_windows((values[:, : found.cut.size],), found.cut)
    assert sums[0, 2:].tolist() == [0.2 + 0.3, 0.3 + 0.1, 0.1 + 0.2, 0.2 + 0.3, 0.3 + 0.1, 0.1 + 0.2]
