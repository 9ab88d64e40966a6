"""The index: selectors choose the same streams as asking each stream in turn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.model.labels import Labels
from logpulse.model.matcher import Matcher, MatchOperator
from logpulse.model.pattern import PatternError
from logpulse.storage.index import StreamIndex

names = st.sampled_from(["service", "env", "job"])
values = st.sampled_from(["api", "web", "ap", "x"])
streams = st.lists(st.dictionaries(names, values, min_size=1).map(Labels.of), max_size=8)
matchers = st.lists(
    st.builds(
        Matcher,
        names,
        st.sampled_from(MatchOperator),
        st.sampled_from(["", "api", "ap", ".*", ".+", "a.*", "api|x", "nothing"]),
    ),
    max_size=3,
)


def index_of(found: list[Labels]) -> StreamIndex:
    """Make an index of these streams."""
    index = StreamIndex()
    index.register(found)
    return index


def meets(labels: Labels, matcher: Matcher) -> bool:
    """Ask one stream."""
    return matcher.predicate()(labels.get(matcher.name))


@given(streams, matchers)
def test_selecting_equals_asking_every_stream(found: list[Labels], asked: list[Matcher]) -> None:
    selected = index_of(found).select(asked).tolist()
    assert selected == sorted({each.id for each in found if all(meets(each, one) for one in asked)})


@given(streams)
def test_names_and_values_are_those_of_the_streams(found: list[Labels]) -> None:
    index = index_of([*found, *found])
    assert len(index) == len(set(found))
    everything = index.select([])
    assert index.names(everything) == sorted({name for each in found for name, _ in each})
    for name in ("service", "env", "job", "absent"):
        assert index.values(name, everything) == sorted({each.get(name) for each in found} - {""})
    for each in found:
        assert each.id in index
        assert index.labels(each.id) == each


@given(streams, st.data())
def test_an_index_of_some_streams_leaves_the_other_alone(found: list[Labels], data: st.DataObject) -> None:
    index = index_of(found)
    alive = sorted({each.id for each in found if data.draw(st.booleans())})
    rest = index.keeping(np.array(alive, dtype=np.int64))
    assert rest.select([]).tolist() == alive
    assert index.select([]).tolist() == sorted({each.id for each in found}), "views that hold it still find all"
    assert set(rest.values("service", rest.select([]))) <= set(index.values("service", index.select([])))


def test_a_stream_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        StreamIndex().labels(5)


def test_a_malformed_pattern_is_reported() -> None:
    with pytest.raises(PatternError):
        index_of([Labels.of({"a": "b"})]).select([Matcher("a", MatchOperator.REGEX, "(")])
