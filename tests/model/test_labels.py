"""Labels: one text and one id for each set of pairs, whatever the order they came in."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from logpulse.errors import InvalidRequestError, LimitExceededError, QuerySyntaxError
from logpulse.logql.parser import parse_selector
from logpulse.model.labels import MAIN_LABELS, Labels, is_label_name, scrub

from ..strategies import label_maps, label_names, label_values, labels


@given(labels)
def test_labels_come_back_from_their_text(found: Labels) -> None:
    again = Labels.from_text(found.text)
    assert again == found
    assert (again.id, again.text, again.encoded) == (found.id, found.text, found.text.encode())
    assert json.loads(found.text) == found.as_dict() == dict(found)


@given(label_maps, st.randoms())
def test_the_order_of_the_pairs_makes_no_difference(pairs: dict[str, str], random: object) -> None:
    shuffled = list(pairs.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = Labels.of(pairs), Labels.of(dict(shuffled))
    assert one == other
    assert hash(one) == hash(other)
    assert (one.id, one.text) == (other.id, other.text)
    assert [name for name, _ in one] == sorted(pairs)


@given(labels, labels)
def test_ids_are_equal_exactly_where_labels_are(one: Labels, other: Labels) -> None:
    assert (one.id == other.id) == (one == other) == (one.text == other.text)


@given(labels)
def test_an_id_has_63_bits(found: Labels) -> None:
    assert 0 <= found.id < 2**63


@pytest.mark.parametrize(
    ("pairs", "stream"),
    [
        ({"service": "api"}, 6071400410514717337),
        ({"service_name": "x", "env": "ü"}, 5867546065120607796),
        ({"a": "b"}, 8238092701769556011),
    ],
)
def test_ids_never_change(pairs: dict[str, str], stream: int) -> None:
    assert Labels.of(pairs).id == stream, "every segment and catalog on disk holds ids"


@given(label_maps, st.sampled_from(MAIN_LABELS), label_values, label_values)
def test_streams_of_one_service_are_neighbours(pairs: dict[str, str], main: str, value: str, other: str) -> None:
    rest = {name: text for name, text in pairs.items() if name not in MAIN_LABELS}
    one = Labels.of({**rest, main: value})
    sibling = Labels.of({main: value, "another": other})
    assert one.id >> 48 == sibling.id >> 48


def test_the_first_main_label_decides() -> None:
    service = Labels.of({"service": "a"}).id >> 48
    assert Labels.of({"service": "a", "namespace": "n", "job": "j"}).id >> 48 == service
    assert Labels.of({"service_name": "x", "service": "a"}).id >> 48 == Labels.of({"service_name": "x"}).id >> 48
    assert Labels.of({"service": "b"}).id >> 48 != service
    assert Labels.of({"env": "a"}).id >> 48 == Labels.of({"team": "b"}).id >> 48, "without one all stand together"


@given(label_maps, label_names.filter(lambda name: name not in MAIN_LABELS))
def test_an_empty_value_is_no_label(pairs: dict[str, str], name: str) -> None:
    without = {key: value for key, value in pairs.items() if key != name}
    if not without:
        with pytest.raises(InvalidRequestError, match="at least one label with a value"):
            Labels.of({name: ""})
        return
    assert Labels.of({**without, name: ""}) == Labels.of(without)
    assert Labels.of(without).get(name) == ""


@given(labels)
def test_labels_are_written_as_a_selector_of_themselves(found: Labels) -> None:
    try:
        selector = parse_selector(str(found))
    except QuerySyntaxError as error:
        assume("keyword" not in str(error))  # LogQL cannot name a label called `by` or `json`
        raise
    assert [(matcher.name, matcher.value) for matcher in selector.matchers] == list(found)
    assert all(matcher.predicate()(found.get(matcher.name)) for matcher in selector.matchers)


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        ({}, "labels: a stream needs at least one label with a value, got {}"),
        ({"1a": "x"}, r"label name: must match \[a-zA-Z_\]\[a-zA-Z0-9_\]\*, got '1a'"),
        ({"a.b": "x"}, "label name: must match"),
        ({"ä": "x"}, "label name: must match"),
        ({"a\n": "x"}, "label name: must match"),
        ({"": "x"}, "label name: must match"),
    ],
)
def test_bad_labels_are_refused(pairs: dict[str, str], reason: str) -> None:
    with pytest.raises(InvalidRequestError, match=reason):
        Labels.of(pairs)
    assert not any(is_label_name(name) for name in pairs)


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        ({f"l{number}": "x" for number in range(16)}, "labels per stream is limited to 15, got 16; raise ingest.max_l"),
        ({"a" * 1025: "x"}, "label name bytes is limited to 1024, got 1025"),
        ({"a": "x" * 2049}, "bytes of the value of label a is limited to 2048, got 2049"),
        ({"a": "日" * 683}, "bytes of the value of label a is limited to 2048, got 2049"),
        ({"a": "💥" * 513}, "bytes of the value of label a is limited to 2048, got 2052"),
    ],
    ids=["pairs", "name", "value", "three bytes a character", "four bytes a character"],
)
def test_limits_name_what_was_sent(pairs: dict[str, str], reason: str) -> None:
    with pytest.raises(LimitExceededError) as caught:
        Labels.of(pairs)
    assert str(caught.value).startswith(reason)


def test_the_limits_themselves_are_allowed() -> None:
    Labels.of({f"l{number}": "x" for number in range(15)})
    Labels.of({**{f"l{number}": "x" for number in range(15)}, "empty": ""})
    Labels.of({"a" * 1024: "x" * 2048, "b": "💥" * 512})
    Labels.of({f"l{number}": "x" for number in range(20)}, most=20)


@given(st.text(st.characters(), max_size=10))
def test_scrubbed_text_has_a_utf8_form(text: str) -> None:
    clean = scrub(text)
    clean.encode()
    if not any(0xD800 <= ord(character) < 0xE000 for character in text):
        assert clean == text


def test_lone_surrogates_are_replaced() -> None:
    assert scrub("a\ud800b\udfff") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"
    assert Labels.of({"a": "\ud800"}).get("a") == "\N{REPLACEMENT CHARACTER}"
