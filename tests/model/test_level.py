"""What level an entry has."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from logpulse.limits import LEVEL_FIELD_CHARACTERS, LEVEL_FIELDS, LEVEL_SCAN_CHARACTERS
from logpulse.model.level import LEVEL_NAMES, UNKNOWN, detect_level, level_of, normalise_level

LEVELS = ("trace", "debug", "info", "warn", "error", "critical", "fatal")
KLOG_INFO = "I0629 08:00:00.123456       1 config.go:12] Failed loading config; disabling tracing"
PINO = '{"level":%d,"time":1795431996757,"pid":7,"hostname":"h","msg":"x"}'
TRACEBACK = "Traceback (most recent call last): " + "x" * 2_000


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("[ERROR] x", "error"),
        ("this is a warning log", "warn"),
        ("debug: x", "debug"),
        ('{"msg":"keyword error","level":"critical"}', "critical"),
        ('{"LEVEL":"Critical"}', "critical"),
        ('{"SEVERITY":"FATAL"}', "fatal"),
        ('{"level":"ERR"}', "error"),
        ('{"a":{"level":"warn"}}', "warn"),
        ('{"a":{"b":{"level":"warn"}}}', UNKNOWN),
        ('{"level":["error"]}', UNKNOWN),
        ('{"level":30}', "info"),
        ('{"level":50,"pid":1,"hostname":"h","time":1}', "error"),
        ('{"levelno":40,"levelname":"ERROR"}', "error"),
        ('{"err":null,"msg":"ok"}', UNKNOWN),
        ("foo=bar level=Warn", "warn"),
        ("level=NA", UNKNOWN),
        ("lvl=inFO", "info"),
        ("LEVEL=Information", "info"),
        ("errors: 0 found", UNKNOWN),
        ("terror", UNKNOWN),
        ("errorCode", UNKNOWN),
        ("debugging", UNKNOWN),
        ("information desk", UNKNOWN),
        ("warnings", UNKNOWN),
        ("tracer", UNKNOWN),
        ("myError", UNKNOWN),
        ("error123", UNKNOWN),
        ("misc:error", UNKNOWN),
        ("error!", "error"),
        ("(error)", "error"),
        ("'error'", "error"),
        ("level|error|x", "error"),
        ("2022/10/09 [error] 1#1: *2 open()", "error"),
        ("[Wed] [core:error] [pid 3]", "error"),
        ("E0629 08:00:00.1 7 f.go:1] x", "error"),
        ("I0629 ... Failed loading config; disabling tracing", "info"),
        (KLOG_INFO, "info"),
        ("fail: Microsoft.X[0]", "error"),
        ("crit: x", "critical"),
        ("trce: x", "trace"),
        ("<3>kernel: x", "error"),
        ("<165>1 2003-...", "info"),
        ("\x1b[31mERROR\x1b[0m x", "error"),
        ("Jun 1 h app[1]: WARNING: x", "warn"),
        ("SEVERE: x", "error"),
        ("FINE: x", "debug"),
        ("2024-01-01 00:00:00 UTC [1] LOG:  x", "info"),
        ("... [1] FATAL:  x", "fatal"),
        ("PANIC:", "fatal"),
        ("1:M 01 Jan 2024 00:00:00.000 # x", "warn"),
        ('{"s":"E","c":"NET"}', "error"),
        ('{"t":1,"lvl":"dbg"}', "debug"),
        ("NOTICE: x", "info"),
        ("OK", UNKNOWN),
        ("", UNKNOWN),
        ("🔥🚀", UNKNOWN),
        ("x" * 300_000 + " ERROR", UNKNOWN),
    ],
)
def test_the_reference_vectors(line: str, level: str) -> None:
    assert detect_level(line) == level


@pytest.mark.parametrize(
    ("line", "level"),
    [
        # Whose numbers they are.
        (PINO % 10, "trace"),
        (PINO % 20, "debug"),
        (PINO % 30, "info"),
        (PINO % 40, "warn"),
        (PINO % 60, "fatal"),
        (PINO % 70, UNKNOWN),
        ('{"level":10,"msg":"x"}', "debug"),
        ('{"level":20,"msg":"x"}', "info"),
        ('{"level":50,"msg":"x"}', "critical"),
        ('{"level":40,"msg":"x"}', "warn"),
        ('{"levelno":30}', "warn"),
        ('{"levelno":10,"time":1}', "debug"),
        ('{"level":-1,"ts":1.5}', "debug"),
        ('{"level":0,"ts":1.5}', "info"),
        ('{"level":2,"ts":1.5}', "error"),
        ('{"level":5,"ts":1.5}', "fatal"),
        ('{"version":"1.1","short_message":"x","level":3}', "error"),
        ('{"version":"1.1","short_message":"x","level":7}', "debug"),
        ('{"channel":"System","event_id":7,"level":2}', "error"),
        ('{"channel":"System","event_id":7,"level":4}', "info"),
        ('{"PRIORITY":"4","MESSAGE":"x"}', "warn"),
        ('{"priority":1,"msg":"a ticket"}', UNKNOWN),
        ('{"PRIORITY":"high"}', UNKNOWN),
        ('{"severity":2}', "critical"),
        ('{"SeverityNumber":17}', "error"),
        ('{"severity_number":9}', "info"),
        ('{"severity_number":25}', UNKNOWN),
        ('{"level":"30"}', "info"),
        ('{"level":30.5}', UNKNOWN),
        ('{"level":400,"level_name":"ERROR","message":"x"}', "error"),  # Monolog's own numbers
        # Which member.
        ('{"severity":"warn","level":"error"}', "warn"),
        ('{"level":"NA","severity":"warn"}', "warn"),
        ('{"level":"NA","msg":"an error happened"}', "error"),
        ('{"a":[{"level":"error"}]}', UNKNOWN),
        ('{"a":[1,[2]],"level":"error"}', "error"),
        ('{"a":{"b":{}},"level":"error"}', "error"),
        ('{"a":"}{[","b":{"level":"error"}}', "error"),
        ('{"a":"{{{","level":"error"}', "error"),
        (r'{"a":"\\","level":"error"}', "error"),
        (r'{"a":"\"{{{","level":"error"}', "error"),
        (r'{"text":"{\"level\":\"error\"}"}', UNKNOWN),
        (r'{"x\"level":"error"}', UNKNOWN),
        ('{"log":{"level":"error"}}', "error"),
        ('{"log.level":"error"}', "error"),
        ('{"@level":"trace","@message":"x"}', "trace"),
        ('{"levels":"error"}', UNKNOWN),
        (' \t{ "level" : "warn" , "msg" : "x" }', "warn"),
        (r'{"level":"\u001b[31merror\u001b[39m"}', "error"),
        # Formats.
        ('{"@t":"2026","@mt":"x","@l":"Warning"}', "warn"),
        ('{"@t":"2026","@mt":"x","@l":"Verbose"}', "trace"),
        ('{"@t":"2026","@mt":"x"}', "info"),
        ('{"@t":"2026","@mt":"x","@l":"odd"}', UNKNOWN),
        ('{"@t":"2026"}', UNKNOWN),
        ('{"t":{"$date":"x"},"s":"D2","c":"NET"}', "debug"),
        ('{"s":"E"}', UNKNOWN),
        ('{"s":"Error","c":"NET"}', UNKNOWN),
        # Words only in messages.
        ('{"url":"/a|error","msg":"ok"}', UNKNOWN),
        ('{"message":"[ERROR] x"}', "error"),
        ('{"event":"login failed: error"}', "error"),
        (r'{"log":"\u001b[31mERROR\u001b[0m x\n","stream":"stdout"}', "error"),
        (r'{"log":"E0629 08:00:00.1 7 f.go:1] x\n"}', "error"),
        (r'{"msg":"a\nERROR b"}', "error"),
        ('{"a":{"b":{"msg":"error"}}}', UNKNOWN),
        ('{"a":[{"msg":"error"}],"msg":"a warning"}', "warn"),
        ('{"msg":"' + "x" * LEVEL_SCAN_CHARACTERS + ' error"}', UNKNOWN),
        # Cut off or broken.
        ('{"level":"error","msg":"cut o', "error"),
        ('{"msg":"an error, cut o', "error"),
        ('{"level":"error', "error"),
        ('{"level":', UNKNOWN),
        ('{"level":"\\', UNKNOWN),
        ('{"level":"\\ud800"}', UNKNOWN),
        ("{error}", "error"),
        ('[{"level":"error"}]', "error"),
    ],
)
def test_json(line: str, level: str) -> None:
    assert detect_level(line) == level


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ('ts=1 level=error msg="all is info"', "error"),
        ("severity=info level=error", "error"),
        ("lvl=info severity=error", "error"),
        ("level=NA severity=error", "error"),
        ('level="warn"', "warn"),
        ("level=30", "info"),
        ("levelno=30", "warn"),
        ("level=50", "critical"),
        ("level=50 pid=1", "error"),
        ("log.level=warn x=1", "warn"),
        ('msg="set level=debug now" level=error', "error"),
        (r'path="C:\\" level=error', "error"),
        (r'msg="say \"level=debug\" now" level=error', "error"),
        ('msg="set level=debug now" x=1', "debug"),  # by the word, as Loki
        ("sublevel=error x=1", UNKNOWN),
        ('url="/a|error" msg=ok', UNKNOWN),
        ('a=1 b="an error"', UNKNOWN),
        ('a=1 msg="an error"', "error"),
        ("a=1 msg=error", "error"),
        ("a=1 msg=", UNKNOWN),
        ("a=1 msg= event=error", "error"),
        (r'a=1 msg="a \"quoted\" error"', "error"),
        ('a=1 msg="fine" b="an error"', UNKNOWN),
        ("2026-01-15 ERROR could not reach host=a port=1", "error"),
        ("ts=2026-01-15 10:00:00 ERROR x", "error"),
        ("2026-01-15 level=warn an error", "warn"),
        ("\x1b[36mlevel\x1b[0m=\x1b[31merror\x1b[0m x=1", "error"),
    ],
)
def test_logfmt(line: str, level: str) -> None:
    assert detect_level(line) == level


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("<0>x", "critical"),
        ("<191>x", "debug"),
        ("<192>an error", "error"),
        ("<999> x", UNKNOWN),
        ("W1231 x", "warn"),
        ("F0101 x", "fatal"),
        ("E9901 x", UNKNOWN),
        ("dbug: x", "debug"),
        ("please fail: x", UNKNOWN),
        ("panic: runtime trouble", "fatal"),
        ("FINEST: x", "trace"),
        ("CONFIG: x", "debug"),
        ("I feel fine: really", UNKNOWN),
        ("01-Jan-2024 10:00:00.000 FINE [main] org.apache.X", "debug"),
        ("01-Jan-2024 10:00:00.000 SEVERE [main] org.apache.X", "error"),
        ("ERRO[0012] x", "error"),
        ("[Wed Oct 11 14:32:52 2000] [ssl:trace4] [pid 3]", "trace"),
        ("[Wed Oct 11 14:32:52 2000] [mpm_event:notice] [pid 3]", "info"),
        ("[Wed Oct 11 14:32:52 2000] [:emerg] [pid 3]", "critical"),
        ("2022/10/09 12:00:00 [emerg] 1#1: x", "critical"),
        ("2022/10/09 12:00:00 [notice] 1#1: x", "info"),
        ("2024-01-01T00:00:00Z 0 [Note] [MY-1] x", "info"),
        ("the notice board", UNKNOWN),
        ("raised an alert today", UNKNOWN),
        ("[10:00:00 WRN] x", "warn"),
        ("10:00AM INF x", "info"),
        ("10 inf of them", UNKNOWN),
        ("1:M 01 Jan 2024 00:00:00.000 * x", "info"),
        ("1:C 01 Jan 2024 00:00:00.000 - x", "debug"),
        ("2024-01-01 00:00:00 UTC [1] DEBUG2:  x", "debug"),
        ("the LOG: x", UNKNOWN),
        ("the log:  x", UNKNOWN),
        ("ERROR:root:x", "error"),
        ("an error after info", "error"),
        ("errors, then a warning", "warn"),
        ("İİİİİİİİ NOTICE in a whisper", "info"),
        ("İİİİİİİİ notice IN A LOUD VOICE", UNKNOWN),
        ("\x00\x00 ERROR", "error"),
        ("  [ERROR] x", "error"),
        ('1.2.3.4 - bob [10/Oct/2000:13:55:36 -0700] "GET /?q=error HTTP/1.0" 500 1', UNKNOWN),
        ('web:80 1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "GET /|error HTTP/1.0" 500 1', UNKNOWN),
        ("x" * (LEVEL_SCAN_CHARACTERS - 6) + " error", "error"),
        ("x" * (LEVEL_SCAN_CHARACTERS - 5) + " error", UNKNOWN),
        ("\x1b[0;1m" * 30 + "ERROR", "error"),
    ],
)
def test_text(line: str, level: str) -> None:
    assert detect_level(line) == level


@pytest.mark.parametrize("word", ["trace", "debug", "fatal", "critical", "error", "err", "warning", "warn", "info"])
def test_word_boundaries_are_those_of_loki(word: str) -> None:
    for left in "\t\n [({\"'=|":
        assert detect_level(f"an x{left}{word}") == normalise_level(word)
    for right in "\t\n []({}):,!\"'=|":
        assert detect_level(f"{word}{right}x y") == normalise_level(word)
    for other in ":.-/;_<xé":
        assert detect_level(f"x{other}{word}") == UNKNOWN
    for other in ".-/;_>xé":
        assert detect_level(f"{word}{other}x") == UNKNOWN


def test_a_field_is_found_within_the_bounds_and_not_beyond() -> None:
    def padded(characters: int) -> str:
        return '{"msg":"' + "x" * characters + '","level":"error"}'

    assert detect_level(padded(LEVEL_FIELD_CHARACTERS - 100)) == "error"
    assert detect_level(padded(LEVEL_FIELD_CHARACTERS)) == UNKNOWN
    assert detect_level("{" + '"level":"NA",' * (LEVEL_FIELDS - 1) + '"level":"error"}') == "error"
    assert detect_level("{" + '"level":"NA",' * LEVEL_FIELDS + '"level":"error"}') == UNKNOWN
    assert detect_level(json.dumps({"message": TRACEBACK, "level": "error"})) == "error"


@pytest.mark.parametrize(
    ("value", "level"),
    [
        ("Warning", "warn"),
        ("WRN", "warn"),
        ("Information", "info"),
        ("inf", "info"),
        ("trc", "trace"),
        ("DBG", "debug"),
        ("err", "error"),
        ("Critical", "critical"),
        ("FATAL", "fatal"),
        (" error ", "error"),
        ("notice", "notice"),
        ("Notice", "Notice"),
        ("30", "30"),
        ("", ""),
    ],
)
def test_explicit_values_are_normalised_or_kept(value: str, level: str) -> None:
    assert normalise_level(value) == level


@pytest.mark.parametrize(
    ("labels", "metadata", "line", "level"),
    [
        ({"level": "Warning"}, {"detected_level": "error"}, "info", "warn"),
        ({"level": "notice"}, {}, "error", "notice"),
        ({"app": "a"}, {"detected_level": "ERR", "level": "info"}, "info", "error"),
        ({}, {"level": "info"}, "error", "info"),
        ({"lvl": "debug"}, {"level": "info"}, "error", "debug"),
        ({"level": ""}, {}, "error", "error"),
        ({"detected_level": "warn"}, {}, "error", "error"),
        ({}, {"severity_number": "17"}, "info", "error"),
        ({}, {"severity_number": "13", "severity_text": "INFO"}, "error", "info"),
        ({}, {"severity_number": "0"}, "error", UNKNOWN),
        ({}, {"severity_number": "25"}, "error", UNKNOWN),
        ({}, {"severity_number": "9" * 5_000}, "error", UNKNOWN),
        ({}, {"severity_number": "-1"}, "error", UNKNOWN),
        ({}, {"severity_number": "²"}, "error", "info"),
        ({}, {"severity_number": "many"}, "error", "info"),
        ({"app": "error"}, {"trace_id": "error"}, "level=info", "info"),
        ({}, {}, "nothing", UNKNOWN),
    ],
)
def test_what_is_explicit_wins(labels: dict[str, str], metadata: dict[str, str], line: str, level: str) -> None:
    assert level_of(labels, metadata, line) == level


def test_names_have_the_order_of_loki() -> None:
    labels = {name: f"value of {name}" for name in reversed(LEVEL_NAMES)}
    for name in LEVEL_NAMES:
        assert level_of(labels, {}, "") == level_of({}, labels, "") == f"value of {name}"
        del labels[name]


PIECES = (
    "{", "}", "[", "]", '"', "\\", ":", ",", "=", " ", "\n", "\x00", "\x1b[", "m", "<", ">", "3", "-", "\ud800", "🔥",
    "level", '"level":', '"msg":"', "level=", "msg=", "ERROR", "notice", '"s":', '"c":"', "LOG:  ", "E0629 ", "\\u00",
    "İ", '"severity_number":', '"@t":', '"PRIORITY":', "²", "fail: ", "1:M 01 Jan 2024 00:00:00.000 # ",
)  # fmt: skip
FRAGMENTS = st.lists(st.sampled_from(PIECES)).map("".join)


@given(st.text(st.characters()) | FRAGMENTS)
@example('{"level":"\ud800"}')
def test_any_text_has_a_known_level(line: str) -> None:
    assert detect_level(line) in (*LEVELS, UNKNOWN)


@given(st.text(st.characters()), st.text(st.characters()), FRAGMENTS)
def test_any_explicit_value_is_kept_or_known(value: str, severity: str, line: str) -> None:
    assert level_of({"level": value}, {}, line) in (*LEVELS, UNKNOWN, value)
    assert level_of({}, {"severity_number": severity}, line) in (*LEVELS, UNKNOWN)


VALUES = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def without_level(value: object) -> bool:
    return detect_level(json.dumps(value)) == UNKNOWN


@given(
    st.dictionaries(st.text('abxyz{}[]\\":,', max_size=5), VALUES, max_size=4).filter(without_level),
    st.sampled_from(LEVELS),
    st.booleans(),
)
def test_a_level_is_found_behind_any_other_members(others: dict[str, object], level: str, ascii_only: bool) -> None:
    for document in ({**others, "level": level}, {**others, "deeper": {**others, "level": level}}):
        text = json.dumps(document, ensure_ascii=ascii_only)
        assert detect_level(text) == (level if text.index('"level": ') < LEVEL_FIELD_CHARACTERS - 20 else UNKNOWN)
    for hidden in ({**others, "list": [{"level": level}]}, {**others, "a": {"b": {"level": level}}}):
        assert detect_level(json.dumps(hidden, ensure_ascii=ascii_only)) == UNKNOWN
