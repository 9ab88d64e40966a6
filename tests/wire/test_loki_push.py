"""Bodies of Loki's push, in each format: what is stored, what is refused and why."""

from __future__ import annotations

import json
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logpulse.errors import BodyFormatError, BodyTooLargeError, LimitExceededError, LogPulseError, NoStreamsError
from logpulse.limits import FUTURE_NS, LINE_BYTES, STREAMS_PER_PUSH
from logpulse.model.labels import Labels
from logpulse.wire.loki_push import LokiDecoder
from logpulse.wire.metadata import canonical_metadata
from logpulse.wire.push import Push, PushBuilder
from logpulse.wire.service_name import with_service_name

from ..loki_bodies import (
    Streams,
    entry,
    json_body,
    label_text,
    legacy_body,
    nested,
    pair,
    protobuf_body,
    snappy,
    stamp,
    stream,
    text,
)
from ..strategies import NOON, LogEntry, entries_of, label_maps, texts
from ..strategies import entry as stored

NOW = NOON + 7


def decode(body: bytes | str) -> Push:
    """Decode JSON."""
    return LokiDecoder().decode_json(body if isinstance(body, bytes) else body.encode(), NOW)


def unpack(body: bytes) -> Push:
    """Decode protobuf that is not yet packed."""
    return LokiDecoder().decode_protobuf(snappy(body), NOW)


def values(*each: object, labels: object = None) -> str:
    """Write a body of one stream as JSON."""
    return json.dumps({"streams": [{"stream": labels or {"service": "api"}, "values": list(each)}]})


def test_entries_and_texts_of_a_push_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logpulse.wire.columns.ENTRIES_PER_PUSH", 3)
    three = [[str(NOON), f"{number}"] for number in range(3)]
    assert decode(values(*three)).batch.rows == 3
    with pytest.raises(LimitExceededError, match="entries per push is limited to 3, got 4"):
        decode(values(*three, three[0]))
    monkeypatch.setattr("logpulse.wire.json_bound.STRINGS_PER_PUSH", 9)
    with pytest.raises(LimitExceededError, match="texts in a push is limited to 9, got 11"):
        decode(values(*three))


def test_entries_of_protobuf_are_counted_as_they_are_found() -> None:
    body = nested(1, text(1, '{a="b"}') + nested(2, b"") * 2_000_000)
    with pytest.raises(LimitExceededError, match="entries per push is limited to 500000") as refusal:
        unpack(body)
    assert isinstance(refusal.value.sent, int)
    assert refusal.value.sent < 600_000


def refusals(push: Push) -> list[tuple[int, int, str]]:
    """Give the refused entries as (stream, entry, reason)."""
    return [(each.stream, each.entry, each.reason) for each in push.rejected]


GOOD = [str(NOON), "good"]

# -- JSON: what is not readable refuses all ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not valid JSON"),
        (b'{"streams":[{"stream":{"a":"b"},"values":[["1","x"', "not valid JSON: .*truncated"),
        (b'{"streams":[]} x', "not valid JSON"),
        (b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply|not valid JSON"),
        (b"null", "not a push"),
        (b"[]", "not a push"),
        (b'{"streams":{}}', "not a push"),
        (b'{"streams":[5]}', "not a push"),
        (values([NOON, "x"]), r"not a push: Expected `str`, got `int` - at `\$.streams\[0\].values\[0\]\[0\]`"),
        (values([NOON / 1e9, "x"]), "Expected `str`, got `float`"),
        (values([str(NOON), 5]), "Expected `str`, got `int`"),
        (values([str(NOON), None]), "Expected `str`, got `null`"),
        (values([str(NOON)]), "Expected `array` of at least length 2"),
        (values([]), "Expected `array` of at least length 2"),
        (values({"ts": str(NOON), "line": "x"}), "Expected `array"),
        (values([str(NOON), "x", 5]), "Expected `object`"),
        (values([str(NOON), "x", None]), "Expected `object`"),
        (values([str(NOON), "x", []]), "Expected `object`"),
        (values([str(NOON), "x", {"a": 5}]), r"Expected `str`, got `int` - at `\$.streams\[0\].values\[0\]\[2\]"),
        (values([str(NOON), "x", {"a": None}]), "Expected `str`, got `null`"),
        (values([str(NOON), "x", {"a": {}}]), "Expected `str`, got `object`"),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_a_body_that_is_no_push_is_refused(body: bytes | str, reason: str) -> None:
    with pytest.raises(BodyFormatError, match=reason):
        decode(body)


@pytest.mark.parametrize("body", ["{}", '{"streams":null}', '{"streams":[]}', '{"streams":[null]}', '{"else":1}'])
def test_a_push_without_streams_is_an_error_of_its_own(body: str) -> None:
    with pytest.raises(NoStreamsError, match=r"^error at least one valid stream is required for ingestion$"):
        decode(body)
    with pytest.raises(NoStreamsError):
        unpack(b"")
    with pytest.raises(NoStreamsError):
        LokiDecoder().decode_legacy_json(body.encode(), NOW)


@pytest.mark.parametrize(
    "body",
    [
        '{"streams":[{"stream":{"a":"b"}}]}',
        '{"streams":[{"stream":{"a":"b"},"values":null}]}',
        '{"streams":[{"stream":{"a":"b"},"values":[]}]}',
        '{"streams":[{"stream":{"a":"b"},"values":[null,null]},null]}',
    ],
)
def test_a_stream_without_entries_is_nothing(body: str) -> None:
    push = decode(body)
    assert (push.batch.rows, push.rejected_count) == (0, 0)


def test_what_loki_ignores_is_ignored() -> None:
    body = {
        "streams": [
            {"values": [None, GOOD, None], "stream": {"service": "api"}, "hash": 5, "more": {"x": [None]}},
            {"stream": {"service": "api"}, "values": [[str(NOON + 1), "four", {}, "5", 6]]},
        ],
        "format": [1, 2],
    }
    assert entries_of([decode(json.dumps(body)).batch]) == [stored("good"), stored("four", NOON + 1)]


def test_names_that_occur_twice_have_their_last_value() -> None:
    push = decode(f'{{"streams":[{{"stream":{{"a":"1","a":"2"}},"values":[["{NOON}","x",{{"m":"1","m":"2"}}]]}}]}}')
    assert entries_of([push.batch]) == [stored("x", metadata={"m": "2"}, a="2")]
    push = unpack(stream('{a="2"}', entry(NOON, "x") + pair("m", "1") + pair("m", "2")))
    assert entries_of([push.batch]) == [stored("x", metadata={"m": "2"}, a="2")]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (rb'"a\ud800b"', "a\N{REPLACEMENT CHARACTER}b"),
        (b'"a\xffb"', "a\N{REPLACEMENT CHARACTER}b"),
        (rb'"\ud83d\ude00"', "😀"),
        (rb'"\u001b[31m\u0007 \u202e "', "\x1b[31m\x07 \u202e "),
        (rb'"\u0000"', "\0"),
        (rb'"\tat x\n"', "\tat x\n"),
    ],
)
def test_lines_of_any_text_are_taken(line: bytes, found: str) -> None:
    body = b'{"streams":[{"stream":{"service":"\\ud800"},"values":[["%d",%s,{"k\\ud800":"\\ud800"}]]}]}' % (NOON, line)
    mark = "\N{REPLACEMENT CHARACTER}"
    assert entries_of([decode(body).batch]) == [stored(found, metadata={f"k{mark}": mark}, service=mark)]
    body = b'{"streams":[{"stream":{"service":"api"},"values":[["%d",%s]]}]}' % (NOON, line)
    assert entries_of([decode(body).batch]) == [stored(found)]


# -- entries that are refused alone ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (["", "x"], "ts: must be unix nanoseconds as text, got ''"),
        (["1795431284.010000010000000", "x"], "ts: must be unix nanoseconds as text, got '1795431284.010000010000000'"),
        (["2026-01-15T10:30:00Z", "x"], "ts: must be unix nanoseconds as text"),
        ([" 5", "x"], "ts: must be unix nanoseconds as text"),
        (["0x10", "x"], "ts: must be unix nanoseconds as text"),
        (["1" * 30, "x"], "ts: must be unix nanoseconds as text"),
        (["-1", "x"], "ts: must not be before 1970"),
        ([str(NOW + FUTURE_NS + 1), "x"], "ts: must be at most 10 minutes ahead"),
        ([str(NOON), "x" * (LINE_BYTES + 1)], "line bytes is limited to 262144, got 262145"),
        ([str(NOON), "x", {"": "y"}], "metadata name: must not be empty"),
        ([str(NOON), "x", {f"k{n}": "v" for n in range(129)}], "metadata pairs is limited to 128, got 129"),
        ([str(NOON), "x", {"k": "v" * 66_000}], "metadata bytes is limited to 65536"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_bad_entry_is_named_and_its_neighbours_are_stored(bad: object, reason: str) -> None:
    push = decode(values(GOOD, bad, [str(NOON + 1), "also good"]))
    assert entries_of([push.batch]) == [stored("good"), stored("also good", NOON + 1)]
    ((number, place, said),) = refusals(push)
    assert (number, place, push.rejected_count) == (0, 1, 1)
    assert said.startswith(reason)


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ("{}", "error at least one label pair is required per stream"),
        ('{"a":""}', "error at least one label pair is required per stream"),
        ('{"a-b":"x"}', "label name: must match"),
        ('{"größe":"x"}', "label name: must match"),
        (json.dumps({f"l{n}": "x" for n in range(16)}), "labels per stream is limited to 15, got 16"),
        ('{"a":5}', "labels['a']: must be text, got 5"),
        ("null", "labels: must be an object with text values, got None"),
        ('"{a=\\"b\\"}"', "labels: must be an object with text values, got"),
    ],
)
def test_bad_labels_refuse_their_stream_only(labels: str, reason: str) -> None:
    push = decode(
        f'{{"streams":[{{"stream":{labels},"values":[["{NOON}","a"],["{NOON}","b"]]}},'
        f'{{"stream":{{"service":"api"}},"values":[{json.dumps(GOOD)}]}}]}}'
    )
    assert entries_of([push.batch]) == [stored("good")]
    assert [(number, place) for number, place, _ in refusals(push)] == [(0, 0), (0, 1)]
    assert all(said.startswith(reason) for _, _, said in refusals(push))


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ("{}", "error at least one label pair is required per stream"),
        ('{a=""}', "error at least one label pair is required per stream"),
        ("", "error parsing labels"),
        ('{a="1", a="2"}', "has duplicate label name: 'a'"),
        ('{größe="x"}', "error parsing labels"),
        ("{" + ",".join(f'l{n}="x"' for n in range(16)) + "}", "labels per stream is limited to 15, got 16"),
    ],
)
def test_bad_label_texts_refuse_their_stream_only(labels: str, reason: str) -> None:
    push = unpack(stream(labels, entry(NOON, "bad")) + stream('{service="api"}', entry(NOON, "good")))
    assert entries_of([push.batch]) == [stored("good")]
    ((number, place, said),) = refusals(push)
    assert (number, place) == (0, 0)
    assert reason in said


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (text(2, "x"), "ts: is missing"),
        (b"", "ts: is missing"),
        (stamp(-1) + text(2, "x"), "ts: must not be before 1970, got -1 ns"),
        (stamp(NOW + FUTURE_NS + 1) + text(2, "x"), "ts: must be at most 10 minutes ahead"),
        (nested(1, b"\x08\xff\xff\xff\xff\x7f") + text(2, "x"), "ts: 34359738367 s and 0 ns are no point in time"),
        (nested(1, b"\x08\x01\x10\x80\x94\xeb\xdc\x03") + text(2, "x"), "ts: 1 s and 1000000000 ns are no point"),
        (nested(1, b"\x10" + b"\xff" * 9 + b"\x01") + text(2, "x"), "ts: 0 s and -1 ns are no point in time"),
        (entry(NOON, "x", {"": "y"}), "metadata name: must not be empty"),
        (entry(NOON, "é" * (LINE_BYTES // 2 + 1)), "line bytes is limited to 262144, got 262146"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_bad_protobuf_entry_is_named_and_its_neighbours_are_stored(content: bytes, reason: str) -> None:
    push = unpack(stream('{service="api"}', entry(NOON, "good"), content, entry(NOON + 1, "also good")))
    assert entries_of([push.batch]) == [stored("good"), stored("also good", NOON + 1)]
    ((number, place, said),) = refusals(push)
    assert (number, place, push.rejected_count) == (0, 1, 1)
    assert said.startswith(reason)


# -- policy and bounds -------------------------------------------------------------------------------------------------


def test_many_streams_of_few_names_are_taken_and_many_names_are_not() -> None:
    streams: list[object] = [{"stream": {"a": "b"}, "values": [GOOD]}] * (STREAMS_PER_PUSH + 1)
    assert decode(json.dumps({"streams": streams})).rejected_count == 0
    names = [{"stream": {"a": str(number)}, "values": []} for number in range(STREAMS_PER_PUSH + 1)]
    with pytest.raises(LimitExceededError, match="streams per push is limited to 10000, got 10001"):
        decode(json.dumps({"streams": names}))


def test_a_label_text_may_not_be_endless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logpulse.wire.loki_push.LABEL_TEXT_BYTES", 100)
    with pytest.raises(BodyTooLargeError, match="label text bytes is limited to 100, got 101"):
        unpack(stream('{a="' + "x" * 95 + '"}', entry(NOON, "x")))
    assert unpack(stream('{a="' + "x" * 94 + '"}', entry(NOON, "x"))).batch.rows == 1


def test_the_service_name_is_found_when_asked_for() -> None:
    decoder = LokiDecoder(max_labels=2, complete_labels=with_service_name)
    push = decoder.decode_json(values(GOOD, labels={"b": "1", "app": "shop"}).encode(), NOW)
    assert entries_of([push.batch]) == [stored("good", b="1", app="shop", service_name="shop")]
    push = decoder.decode_protobuf(snappy(stream('{b="1"}', entry(NOON, "x"))), NOW)
    assert entries_of([push.batch]) == [stored("x", b="1", service_name="unknown_service")]
    push = decoder.decode_json(values(GOOD, labels={"a": "1", "b": "2", "c": "3"}).encode(), NOW)
    assert push.rejected_count == 1, "the added label takes no other's place, and gives none away"
    push = decoder.decode_json(values(GOOD, labels={"a": ""}).encode(), NOW)
    assert "at least one label pair" in push.rejected[0].reason


def test_long_lines_are_cut_where_that_is_the_policy() -> None:
    decoder = LokiDecoder(builder=PushBuilder(5, "truncate"))
    push = decoder.decode_protobuf(snappy(stream('{service="api"}', entry(NOON, "ééé"), entry(NOON, "x"))), NOW)
    assert entries_of([push.batch]) == [stored("éé", metadata={"truncated": "true"}), stored("x")]


def test_the_legacy_shape() -> None:
    body = legacy_body(
        '{service="api",zone="Zürich-東京"}',
        ("2026-01-15T12:00:00.000000001+00:00", "a"),
        ("2026-01-15T13:00:00+01:00", " b \n"),
        ("yesterday", "c"),
    )
    push = LokiDecoder().decode_legacy_json(body, NOW)
    labels = Labels.of({"service": "api", "zone": "Zürich-東京"})
    assert entries_of([push.batch]) == [LogEntry(labels, NOON + 1, "a"), LogEntry(labels, NOON, " b \n")]
    assert [place for _, place, _ in refusals(push)] == [2]


# -- laws --------------------------------------------------------------------------------------------------------------

metadata = st.dictionaries(texts.filter(bool), texts, max_size=3)
times = st.one_of(st.integers(0, NOW + FUTURE_NS), st.sampled_from([0, 1, 10**9, NOON, NOW]))
pushes = st.lists(
    st.tuples(
        label_maps,
        st.lists(st.one_of(st.tuples(times, texts), st.tuples(times, texts, metadata)), max_size=4),
    ),
    min_size=1,
    max_size=4,
)


@given(pushes)
@settings(max_examples=200)
def test_every_format_stores_what_was_sent(streams: Streams) -> None:
    wanted = [
        LogEntry(
            Labels.of(labels), value[0], value[1], canonical_metadata(value[2]) if len(value) > 2 and value[2] else None
        )
        for labels, held in streams
        for value in held
    ]
    for push in (decode(json_body(streams)), unpack(protobuf_body(streams))):
        assert entries_of([push.batch]) == wanted
        assert push.rejected_count == 0
        assert set(push.batch.streams) == {each.labels.id for each in wanted}


@given(st.binary(max_size=80), st.binary(max_size=80))
@settings(max_examples=200)
def test_no_body_raises_anything_else(body: bytes, block: bytes) -> None:
    decoder = LokiDecoder()
    for read in (decoder.decode_json, decoder.decode_legacy_json, decoder.decode_protobuf):
        for content in (body, block, snappy(body)):
            with suppress(LogPulseError):
                assert read(content, NOW).batch.rows >= 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "stream": label_maps | json_values,
                "values": st.lists(st.just(GOOD) | json_values) | json_values,
            },
        ),
        max_size=3,
    )
)
@settings(max_examples=200)
def test_every_entry_of_an_odd_document_is_stored_or_refused(streams: list[dict[str, object]]) -> None:
    try:
        push = decode(msgspec.json.encode({"streams": streams}))
    except LogPulseError:
        return
    held = [msgspec.convert(stream.get("values") or [], list[object]) for stream in streams]
    assert push.batch.rows + push.rejected_count == sum(value is not None for each in held for value in each)


def test_label_text_of_the_encoder() -> None:
    assert label_text({"a": 'x"y', "b": "ü"}) == '{a="x\\"y", b="ü"}'
