"""Records: where labels come from, what they clash with, and what an answer shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.logql.record import Base, Origin, Record
from tests.logql.stages.running import record

BASE = Base({"app": "shop", "trace": "t"}, {"trace": Origin.METADATA})


def fresh() -> Record:
    """Make a record of one stream label and one metadata label."""
    return Record(1, "line", BASE)


def test_a_new_record_has_its_base() -> None:
    ran = fresh()
    assert (ran.labels, ran.origins, ran.shown) == (BASE.labels, BASE.origins, BASE.labels)


def test_records_of_one_base_do_not_share_changes() -> None:
    first, second = fresh(), fresh()
    first.set("app", "x")
    first.extract({"a": "1"})
    first.drop("trace")
    assert dict(first.labels) == {"app": "x", "a": "1"}
    assert dict(second.labels) == dict(BASE.labels) == {"app": "shop", "trace": "t"}


@pytest.mark.parametrize("name", ["app", "trace"])
def test_what_is_set_counts_as_parsed(name: str) -> None:
    ran = fresh()
    ran.set(name, "x")
    assert ran.origins[name] is Origin.PARSED


def test_a_renamed_label_keeps_its_origin() -> None:
    ran = fresh()
    ran.rename("stream", "app")
    ran.rename("meta", "trace")
    ran.extract({"a": "1"})
    ran.rename("b", "a")
    ran.rename("c", "nosuch")
    assert dict(ran.labels) == {"stream": "shop", "meta": "t", "b": "1"}
    assert ran.origins == {"meta": Origin.METADATA, "b": Origin.PARSED}


def test_extracted_labels() -> None:
    ran = fresh()
    ran.extract({"a": "1", "app": "2", "trace": "3", "app_extracted": "4"})
    assert dict(ran.labels) == {"app": "shop", "trace": "t", "a": "1", "app_extracted": "2", "trace_extracted": "3"}
    assert set(ran.origins.values()) == {Origin.METADATA, Origin.PARSED}
    ran.extract({"a": "5", "b": "6", "app": "7"})
    assert (ran.labels["a"], ran.labels["b"], ran.labels["app_extracted"]) == ("1", "6", "2")


def test_what_clashes() -> None:
    ran = fresh()
    assert [ran.clashes(name) for name in ("app", "trace", "a")] == [True, True, False]
    ran.drop("app")
    ran.drop("trace")
    assert [ran.clashes(name) for name in ("app", "trace")] == [True, False], "metadata that is gone frees its name"
    ran = fresh()
    ran.set("trace", "x")
    assert not ran.clashes("trace")


def test_an_answer_shows_the_error() -> None:
    ran = fresh()
    ran.fail("SomeErr", "why")
    ran.fail("OtherErr")
    assert dict(ran.shown) == {"app": "shop", "trace": "t", "__error__": "OtherErr"}
    ran.fail("SomeErr", "why")
    assert dict(ran.shown) == {"app": "shop", "trace": "t", "__error__": "SomeErr", "__error_details__": "why"}
    assert "__error__" not in ran.labels


def test_details_without_an_error_show_beside_other_labels_only() -> None:
    ran = record("line")
    ran.fail("SomeErr", "why")
    ran.error = ""
    assert "__error_details__" not in ran.shown
    ran.set("a", "1")
    assert ran.shown["__error_details__"] == "why"


names = st.sampled_from(["app", "trace", "a", "b", "app_extracted"])
changes = st.lists(
    st.one_of(
        st.tuples(st.just("set"), names),
        st.tuples(st.just("drop"), names),
        st.tuples(st.just("rename"), names, names),
        st.tuples(st.just("extract"), st.lists(names, max_size=3)),
    ),
    max_size=8,
)


@given(changes)
def test_origins_name_labels_that_are_there(made: list[tuple[str, object]]) -> None:
    ran = fresh()
    for kind, *arguments in made:
        match kind, arguments:
            case "set", [str(name)]:
                ran.set(name, "x")
                assert ran.origins[name] is Origin.PARSED
            case "drop", [str(name)]:
                ran.drop(name)
                assert name not in ran.labels
            case "rename", [str(name), str(source)]:
                ran.rename(name, source)
                assert name == source or source not in ran.labels
            case "extract", [list(found)]:
                ran.extract(dict.fromkeys(found, "y"))
    assert ran.origins.keys() <= ran.labels.keys()
    untouched = {name for name in BASE.labels if ran.labels.get(name) == BASE.labels[name]}
    assert all(ran.origins.get(name) == BASE.origins.get(name) for name in untouched)
