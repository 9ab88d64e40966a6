"""`absent_over_time`: the one series that stands for what is not there."""

from __future__ import annotations

import numpy as np

from logpulse.logql.ast_log import Selector
from logpulse.model.matcher import MatchOperator
from logpulse.query.matrix import Matrix, SeriesLabels


def absent(found: Matrix, selector: Selector) -> Matrix:
    """Give 1 wherever no series of `found` has a point, with the labels that `selector` asks for."""
    missing = ~np.logical_or.reduce(found.present, axis=0, keepdims=True)
    return Matrix(found.times, (_asked_for(selector),), missing.astype(np.float64), missing).inhabited()


def _asked_for(selector: Selector) -> SeriesLabels:
    """Give the labels that one equality matcher names, and no other matcher."""
    names = [matcher.name for matcher in selector.matchers]
    return tuple(
        sorted(
            (matcher.name, matcher.value)
            for matcher in selector.matchers
            if matcher.operator is MatchOperator.EQUAL and matcher.value and names.count(matcher.name) == 1
        )
    )
