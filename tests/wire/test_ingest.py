"""Bodies of /ingest: good entries become a batch, bad ones are named with place and reason."""

from __future__ import annotations

import json
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logpulse.errors import BodyFormatError, LimitExceededError, LogPulseError
from logpulse.limits import (
    DECOMPRESSED_BYTES,
    FUTURE_NS,
    LABEL_VALUE_BYTES,
    LINE_BYTES,
    METADATA_PAIRS,
    REJECTED_SHOWN,
    SALVAGE_BYTES,
    SECOND_NS,
    STREAMS_PER_PUSH,
)
from logpulse.model.labels import Labels
from logpulse.units import format_time, parse_time
from logpulse.wire.columns import Faults
from logpulse.wire.ingest import IngestDecoder
from logpulse.wire.metadata import canonical_metadata, metadata_pairs
from logpulse.wire.push import Push
from logpulse.wire.salvage import salvage

from ..strategies import NOON, LogEntry, entries_of, entry, label_maps, texts

NOW = NOON + 7


def decode(body: bytes | str, **policy: object) -> Push:
    """Decode one body with a decoder of its own."""
    return IngestDecoder(**policy).decode(body if isinstance(body, bytes) else body.encode(), NOW)  # type: ignore[arg-type]


def body_with(*entries: object, labels: object = None) -> str:
    """Write a body of one stream as JSON."""
    return json.dumps({"streams": [{"labels": labels or {"service": "api"}, "entries": list(entries)}]})


def rejections(push: Push) -> list[tuple[int, int, str]]:
    """Give the refused entries as (stream, entry, reason)."""
    return [(each.stream, each.entry, each.reason) for each in push.rejected]


GOOD = {"line": "good", "ts": NOON}

# -- bodies of which nothing can be read ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the body is empty; send "),
        (b" \n\t", "the body is empty; send "),
        (b'{"streams":[{"labels":{"a":"b"},"entries":[{"line":"x"', "not valid JSON: .*truncated"),
        (b'{"streams":[]} trailing', r"not valid JSON: .*trailing characters \(byte 1\d\)"),
        (b'{"streams":[]}{"streams":[]}', r"not valid JSON: .*trailing characters \(byte 1\d\)"),
        (b'\xef\xbb\xbf{"streams":[]}', r"not valid JSON: .*invalid character \(byte 0\)"),
        ('{"streams":[]}'.encode("utf-16"), "not valid JSON"),
        (b'{"streams":[{"labels":{"a":"b"},"entries":[{"line":"x","ts":NaN}]}]}', "not valid JSON"),
        (b'{"streams":[{"labels":{"a":"b"},"entries":[{"line":"x","ts":Infinity}]}]}', "not valid JSON"),
        (
            b'{"streams":[{"labels":{"a":"b"},"entries":[{"line":"x\xff"}]}]}',
            r"^the body is not valid JSON: it is no UTF-8 \(byte 53\)$",
        ),
        (
            b'{"streams":[{"labels":{"a":"b"},"entries":[{"line":"x\xff"}]}]}' + SALVAGE_BYTES * b" ",
            r"^the body is not valid JSON: it is no UTF-8 \(byte 53\)$",
        ),
        (b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b',"streams":[]}', "nested too deeply"),
        (b"[" * 100_000, "nested too deeply|not valid JSON"),
        (b'{"streams":[{"labels":{"a":"b"},"entries":[{"line":"x","ts":' + b"9" * 5000 + b"}]}]}", "not valid JSON"),
        (
            b'{"streams":[{"labels":{"a":"b"},"entries":[{"line":5,"x":NaN}]}]}',
            "not valid JSON: NaN is no number in JSON",
        ),
        (b"null", "not a push"),
        (b"[]", "not a push"),
        (b"{}", "not a push: .*streams"),
        (b'{"streams":null}', "not a push"),
        (b'{"streams":{}}', "not a push"),
        (b'{"streams":[5]}', r"expected a list of entries at \$\.streams\[0\]\.entries"),
        (b'{"streams":[{"labels":{"a":"b"}}]}', r"expected a list of entries at \$\.streams\[0\]\.entries"),
        (
            b'{"streams":[{"labels":{"a":"b"},"entries":[]},{"labels":{"a":"b"},"entries":{}}]}',
            r"expected a list of entries at \$\.streams\[1\]\.entries",
        ),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_body_that_is_no_push_is_refused_with_the_place(body: bytes, reason: str) -> None:
    with pytest.raises(BodyFormatError, match=f"(?s){reason}"):
        decode(body)


@pytest.mark.parametrize("broken", [False, True], ids=["typed", "salvaged"])
def test_too_many_streams_are_refused(broken: bool) -> None:
    streams: list[object] = [{"labels": {"a": "b"}, "entries": []}] * STREAMS_PER_PUSH
    assert decode(json.dumps({"streams": streams})).rejected_count == 0
    streams.append({"labels": {"a": "b"}, "entries": [5] if broken else []})
    with pytest.raises(LimitExceededError, match="streams per push is limited to 10000, got 10001"):
        decode(json.dumps({"streams": streams}))


def test_a_large_body_with_errors_is_refused_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = body_with(GOOD, 5)
    monkeypatch.setattr("logpulse.wire.lenient_json.SALVAGE_BYTES", len(bad))
    assert decode(bad).rejected_count == 1
    with pytest.raises(
        BodyFormatError, match=r"got `int` - at `\$\.streams\[0\]\.entries\[1\]`; send bodies of at most"
    ):
        decode(bad + " ")
    assert decode(body_with(*[GOOD] * 20)).rejected_count == 0, "a good body may be as large as bodies may be"


@pytest.mark.parametrize("body", ['{"streams":[]}', body_with(), '{"more":{"x":[1]},"streams":[]}'])
def test_an_empty_push_is_nothing(body: str) -> None:
    push = decode(body)
    assert (push.batch.rows, push.rejected, push.rejected_count) == (0, (), 0)
    assert dict(push.batch.streams) == {}


# -- single entries that are refused ----------------------------------------------------------------------------------

WANTED = "ts: must be RFC 3339 with an offset, such as 2026-01-15T10:30:00.123Z, or unix nanoseconds, got "
AHEAD = f"ts: must be at most 10 minutes ahead of the server's clock ({format_time(NOW)}), got "


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"line": "x", "ts": "yesterday"}, f"{WANTED}'yesterday'"),
        ({"line": "x", "ts": ""}, f"{WANTED}''"),
        ({"line": "x", "ts": "2026-01-15T10:30:00"}, f"{WANTED}'2026-01-15T10:30:00'"),
        ({"line": "x", "ts": "2026-02-30T10:30:00Z"}, f"{WANTED}'2026-02-30T10:30:00Z'"),
        ({"line": "x", "ts": "9999-01-01T00:00:00Z"}, f"{WANTED}'9999-01-01T00:00:00Z'"),
        ({"line": "x", "ts": "0x10"}, f"{WANTED}'0x10'"),
        ({"line": "x", "ts": 1.5}, f"{WANTED}1.5"),
        ({"line": "x", "ts": 2**63}, f"{WANTED}9223372036854775808"),
        ({"line": "x", "ts": 2**64}, f"{WANTED}18446744073709551616"),
        ({"line": "x", "ts": -(2**70)}, f"{WANTED}-1180591620717411303424"),
        ({"line": "x", "ts": -1}, "ts: must not be before 1970, got -1 ns"),
        ({"line": "x", "ts": "1969-12-31T23:59:59Z"}, "ts: must not be before 1970, got -1000000000 ns"),
        ({"line": "x", "ts": NOW + FUTURE_NS + 1}, AHEAD + format_time(NOW + FUTURE_NS + 1)),
        ({"line": "x", "ts": 2**63 - 1}, f"{AHEAD}2262-04-11T23:47:16.854775807Z"),
        ({"line": "x", "ts": True}, "ts: must be text or a number, got True"),
        ({"line": "x", "ts": [1]}, "ts: must be text or a number, got [1]"),
        ({"line": 5}, "line: must be text, got 5"),
        ({"line": None}, "line: must be text, got None"),
        ({"ts": NOON}, "line: must be text, got None"),
        ("x", "entry: must be an object, got 'x'"),
        ([NOON, "x"], f"entry: must be an object, got [{NOON}, 'x']"),
        ({"line": "x", "metadata": 5}, "metadata: must be an object with text values, got 5"),
        ({"line": "x", "metadata": {"a": 5}}, "metadata['a']: must be text, got 5"),
        ({"line": "x", "metadata": {"a": {"b": "c"}}}, "metadata['a']: must be text, got {'b': 'c'}"),
        ({"line": "x", "metadata": {"": "c"}}, "metadata name: must not be empty, got ''"),
        (
            {"line": "x", "metadata": {f"k{number}": "v" for number in range(129)}},
            "metadata pairs is limited to 128, got 129",
        ),
        ({"line": "x", "metadata": {"k": "v" * 66_000}}, "metadata bytes is limited to 65536, got 66008"),
        (
            {"line": "x" * (LINE_BYTES + 1)},
            "line bytes is limited to 262144, got 262145; raise ingest.max_line_bytes to allow more",
        ),
        ({"line": "é" * (LINE_BYTES // 2 + 1)}, "line bytes is limited to 262144, got 262146; raise"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_bad_entry_is_named_and_its_neighbours_are_stored(bad: object, reason: str) -> None:
    push = decode(body_with(GOOD, bad, {"line": "also good", "ts": str(NOON + 1)}))
    assert entries_of([push.batch]) == [entry("good"), entry("also good", NOON + 1)]
    ((stream, place, text),) = rejections(push)
    assert (stream, place, push.rejected_count) == (0, 1, 1)
    assert text.startswith(reason)


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ("{}", "labels: a stream needs at least one label with a value"),
        ('{"a":""}', "labels: a stream needs at least one label with a value"),
        ('{"1abc":"x"}', "label name: must match [a-zA-Z_][a-zA-Z0-9_]*, got '1abc'"),
        ('{"a-b":"x"}', "label name: must match"),
        ('{"a b":"x"}', "label name: must match"),
        ('{"größe":"x"}', "label name: must match"),
        ('{"":"x"}', "label name: must match"),
        ('{"a\\n":"x"}', "label name: must match"),
        ('{"' + "a" * 1025 + '":"x"}', "label name bytes is limited to 1024, got 1025"),
        ('{"a":"' + "x" * 2049 + '"}', "bytes of the value of label a is limited to 2048, got 2049"),
        ('{"a":"' + "é" * 1025 + '"}', "bytes of the value of label a is limited to 2048, got 2050"),
        (json.dumps({f"l{n}": "x" for n in range(16)}), "labels per stream is limited to 15, got 16; raise"),
        ('{"a":5}', "labels['a']: must be text, got 5"),
        ('{"a":"b","c":null}', "labels['c']: must be text, got None"),
        ("5", "labels: must be an object with text values, got 5"),
        ("null", "labels: must be an object with text values, got None"),
        ('["a"]', "labels: must be an object with text values, got ['a']"),
    ],
    ids=lambda value: value[:30],
)
def test_bad_labels_refuse_their_stream_only(labels: str, reason: str) -> None:
    body = (
        f'{{"streams":[{{"labels":{labels},"entries":[{{"line":"a"}},{{"line":"b"}}]}},'
        f'{{"labels":{{"service":"api"}},"entries":[{json.dumps(GOOD)}]}}]}}'
    )
    push = decode(body)
    assert entries_of([push.batch]) == [entry("good")]
    assert [(stream, place) for stream, place, _ in rejections(push)] == [(0, 0), (0, 1)]
    assert push.rejected_count == 2
    assert all(text.startswith(reason) and text for _, _, text in rejections(push))


def test_labels_that_are_no_utf8_refuse_their_stream_only() -> None:
    push = decode(
        b'{"streams":[{"labels":{"a":"\xff"},"entries":[{"line":"x"}]},'
        b'{"labels":{"service":"api"},"entries":[{"line":"good","ts":%d}]}]}' % NOON
    )
    assert entries_of([push.batch]) == [entry("good")]
    assert rejections(push) == [(0, 0, "labels: must be UTF-8")]


@pytest.mark.parametrize("name", ["a", "__name__", "__x", "_", "A1", "a" * 1024, "__proto__", "constructor"])
@pytest.mark.parametrize("value", ["x", 'new\nline "quotes" }', "é" * (LABEL_VALUE_BYTES // 2), "\0", "💥"])
def test_unusual_labels_are_kept_as_they_are(name: str, value: str) -> None:
    push = decode(body_with(GOOD, labels={name: value, "empty": ""}))
    assert [labels.as_dict() for labels in push.batch.streams.values()] == [{name: value}]


def test_every_refused_entry_is_counted_once_and_the_first_are_shown() -> None:
    twice_bad = {"line": "x" * (LINE_BYTES + 1), "ts": "bad", "metadata": {"": "x"}}
    push = decode(body_with(twice_bad))
    assert push.rejected_count == 1
    assert len(push.rejected) == 1
    many = decode(body_with(*[{"line": "x", "ts": "bad"}] * (REJECTED_SHOWN + 50), GOOD))
    assert (many.rejected_count, len(many.rejected)) == (REJECTED_SHOWN + 50, REJECTED_SHOWN)
    assert [place for _, place, _ in rejections(many)] == list(range(REJECTED_SHOWN))
    assert many.batch.rows == 1


# -- what is accepted -------------------------------------------------------------------------------------------------


def test_lines_are_kept_byte_for_byte() -> None:
    lines = ["", " ", "\0\x01\x1b[31m", "tab\t", "\r\n", "日本 💥", "\u2028", "x" * LINE_BYTES]
    push = decode(body_with(*[{"line": line, "ts": NOON} for line in lines]))
    assert [each.line for each in entries_of([push.batch])] == lines


def test_lone_surrogates_become_replacement_characters() -> None:
    body = (
        rb'{"streams":[{"labels":{"service":"\ud800"},'
        rb'"entries":[{"line":"a\udfffb","ts":%d,"metadata":{"k\ud800":"\ud800"}}]}]}' % NOON
    )
    (found,) = entries_of([decode(body).batch])
    assert found.labels.get("service") == "\N{REPLACEMENT CHARACTER}"
    assert found.line == "a\N{REPLACEMENT CHARACTER}b"
    assert metadata_pairs(found.metadata) == {"k\N{REPLACEMENT CHARACTER}": "\N{REPLACEMENT CHARACTER}"}


def test_lone_surrogates_refuse_a_body_too_long_for_a_second_reading() -> None:
    body = rb'{"streams":[{"labels":{"a":"b"},"entries":[{"line":"a\ud800"}]}]}' + SALVAGE_BYTES * b" "
    with pytest.raises(BodyFormatError, match=r"surrogate pair .*; send bodies of at most 4194304 bytes"):
        decode(body)


def test_an_entry_without_a_time_gets_that_of_its_arrival() -> None:
    push = decode(body_with({"line": "a"}, {"line": "b", "ts": None}, GOOD))
    assert [each.timestamp for each in entries_of([push.batch])] == [NOW, NOW, NOON]


def test_the_limits_of_time_are_inclusive() -> None:
    push = decode(body_with({"line": "a", "ts": 0}, {"line": "b", "ts": NOW + FUTURE_NS}))
    assert push.rejected_count == 0


@pytest.mark.parametrize("broken", [[], [5]], ids=["typed", "salvaged"])
def test_long_lines_are_cut_between_characters_and_marked(broken: list[object]) -> None:
    body = body_with({"line": "é" * 600, "ts": NOON, "metadata": {"k": "v"}}, {"line": "short", "ts": NOON}, *broken)
    push = decode(body, max_line_bytes=1001, long_lines="truncate")
    assert entries_of([push.batch]) == [
        entry("é" * 500, metadata={"k": "v", "truncated": "true"}),
        entry("short"),
    ]
    assert push.rejected_count == len(broken)


def test_the_mark_of_a_cut_line_does_not_count_as_metadata_of_the_sender() -> None:
    most = {f"k{number:03}": "v" for number in range(METADATA_PAIRS)}
    body = body_with(
        {"line": "long", "ts": NOON, "metadata": most},
        {"line": "long", "ts": NOON, "metadata": {**most, "one": "more"}},
        {"line": "long", "ts": NOON, "metadata": {"truncated": "no"}},
    )
    push = decode(body, max_line_bytes=3, long_lines="truncate")
    assert push.batch.entries.column(2).to_pylist() == ["lon", "lon"]
    shown = [metadata_pairs(text) for text in push.batch.entries.column(3).to_pylist()]
    assert shown == [{**most, "truncated": "true"}, {"truncated": "true"}]
    assert [(each.entry, "metadata pairs" in each.reason) for each in push.rejected] == [(1, True)]


def test_two_streams_with_one_id_in_one_push_are_not_merged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Labels, "id", property(lambda labels: 7 if labels.get("a") else 8))
    streams = [{"labels": {"a": name}, "entries": [{"line": name, "ts": NOON}]} for name in ("first", "second")]
    streams += [{"labels": {"b": "c"}, "entries": [GOOD]}, streams[0]]
    push = decode(json.dumps({"streams": streams}))
    assert dict(push.batch.streams) == {7: Labels.of({"a": "first"}), 8: Labels.of({"b": "c"})}
    assert push.batch.entries.column(2).to_pylist() == ["first", "good", "first"]
    assert [(each.stream, each.entry) for each in push.rejected] == [(1, 0)]
    assert "is taken by" in push.rejected[0].reason


def test_entries_and_texts_of_a_push_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logpulse.wire.columns.ENTRIES_PER_PUSH", 10)
    assert decode(body_with(*[GOOD] * 10)).batch.rows == 10
    with pytest.raises(LimitExceededError, match="entries per push is limited to 10, got 11"):
        decode(body_with(*[GOOD] * 11))
    monkeypatch.setattr("logpulse.wire.json_bound.STRINGS_PER_PUSH", 7)
    quotes = body_with({"line": '\\"' * 100 + "\\"})
    assert decode(quotes).rejected_count == 0
    with pytest.raises(LimitExceededError, match="texts in a push is limited to 7, got 9"):
        decode(body_with({"line": "x"}, {"line": "\\"}))


def test_a_body_of_nothing_but_entries_is_refused_before_it_is_decoded() -> None:
    body = b'{"streams":[{"labels":{"a":"b"},"entries":[' + b",".join([b'{"line":""}'] * 5_000_000) + b"]}]}"
    assert len(body) < DECOMPRESSED_BYTES
    tracemalloc.start()
    try:
        with pytest.raises(LimitExceededError, match="texts in a push"):
            IngestDecoder().decode(body, NOW)
        assert tracemalloc.get_traced_memory()[1] < 2 * len(body)
    finally:
        tracemalloc.stop()


def test_the_policy_bounds_labels_and_lines() -> None:
    assert decode(body_with(GOOD, labels={"a": "1", "b": "2"}), max_labels=1).rejected_count == 1
    assert decode(body_with({"line": "12345"}), max_line_bytes=4).rejected_count == 1
    assert decode(body_with({"line": "1234"}), max_line_bytes=4).rejected_count == 0


def test_what_is_remembered_of_labels_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logpulse.wire.known_labels.KNOWN_LABELS_BYTES", 10_000)
    decoder = IngestDecoder()
    for blanks in range(0, 2000, 50):
        body = f'{{"streams":[{{"labels":{{"service":{" " * blanks}"api"}},"entries":[{json.dumps(GOOD)}]}}]}}'
        assert entries_of([decoder.decode(body.encode(), NOW).batch]) == [entry("good")]
        assert sum(map(len, decoder._known._known)) <= 10_000
        assert len(decoder._known._known) <= 10, "short texts take memory too"


# -- laws -------------------------------------------------------------------------------------------------------------

pushed = st.lists(
    st.tuples(
        label_maps,
        st.lists(
            st.fixed_dictionaries(
                {"line": texts},
                optional={
                    "ts": st.one_of(
                        st.integers(0, NOW + FUTURE_NS),
                        st.integers(0, NOW).map(str),
                        st.integers(0, NOW).map(format_time),
                        st.none(),
                    ),
                    "metadata": st.one_of(st.none(), st.dictionaries(texts.filter(bool), texts, max_size=3)),
                },
            ),
            max_size=4,
        ),
    ),
    max_size=4,
)


@given(pushed)
def test_the_fast_and_the_tolerant_reader_agree(streams: list[tuple[dict[str, str], list[dict[str, object]]]]) -> None:
    body = json.dumps({"streams": [{"labels": labels, "entries": entries} for labels, entries in streams]}).encode()
    decoder = IngestDecoder()
    fast = decoder.decode(body, NOW)
    faults = Faults()
    labels, columns = salvage(body, ValueError("forced"), decoder._labels, faults.add, NOW)
    tolerant = decoder._builder.build(labels, columns, faults, NOW)
    assert fast.rejected_count == tolerant.rejected_count == 0
    assert fast.batch.entries.equals(tolerant.batch.entries)
    assert dict(fast.batch.streams) == dict(tolerant.batch.streams)
    assert [(each.line, each.timestamp) for each in entries_of([fast.batch])] == [
        (each["line"], _time(each.get("ts"))) for _, entries in streams for each in entries
    ]


def _time(value: object) -> object:
    if value is None or isinstance(value, int):
        return NOW if value is None else value
    return int(str(value)) if str(value).isdigit() else parse_time(str(value), field="ts")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
odd_entries = st.one_of(
    st.just(GOOD),
    json_values,
    st.fixed_dictionaries({}, optional=dict.fromkeys(["line", "ts", "metadata"], json_values)),
)
odd_streams = st.fixed_dictionaries(
    {"entries": st.lists(odd_entries, max_size=4)}, optional={"labels": st.one_of(label_maps, json_values)}
)


@given(st.lists(odd_streams, max_size=3))
@settings(max_examples=200)
def test_every_entry_is_stored_or_refused(streams: list[dict[str, object]]) -> None:
    push = decode(json.dumps({"streams": streams}))
    places = [(number, place) for number, stream in enumerate(streams) for place in range(len(stream["entries"]))]  # type: ignore[arg-type]
    assert push.batch.rows + push.rejected_count == len(places)
    refused = [(each.stream, each.entry) for each in push.rejected]
    assert refused == sorted(set(refused))
    assert set(refused) <= set(places)


@given(st.one_of(st.binary(max_size=60), json_values.map(lambda value: json.dumps(value).encode())))
@settings(max_examples=200)
def test_no_body_raises_anything_else(body: bytes) -> None:
    with suppress(LogPulseError):
        assert decode(body).batch.rows >= 0


@given(st.dictionaries(texts.filter(bool), texts, max_size=5))
def test_equal_metadata_has_equal_text(pairs: dict[str, str]) -> None:
    text = canonical_metadata(pairs)
    assert metadata_pairs(text) == pairs
    assert canonical_metadata(dict(reversed(pairs.items()))) == text


def test_no_metadata_is_none() -> None:
    assert metadata_pairs(None) == {}
    (found,) = entries_of([decode(body_with({"line": "x", "ts": NOON, "metadata": {}})).batch])
    assert found == LogEntry(found.labels, NOON, "x", None)
    assert NOON % SECOND_NS == 0
