"""What an operator is told when something fails."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest
import trio

from logpulse.client.failure import (
    BadQueryError,
    ExitCode,
    MissingExtraError,
    RejectedEntriesError,
    ServerRefusedError,
    ServerUnreachableError,
    StreamEndedError,
    UnexpectedAnswerError,
    exit_code,
    explain,
    first_of,
    reason_of,
)
from logpulse.client.wire import Place
from logpulse.errors import ConfigError, InvalidRequestError, LimitExceededError, LogPulseError

URL = "http://localhost:8080"


@pytest.mark.parametrize(
    ("query", "place", "shown"),
    [
        ('{service="api"', Place(14, 1), ['  {service="api"', "                ^"]),
        ('{a=="b"}', Place(3, 1), ['  {a=="b"}', "     ^"]),
        ('{a="b"} |> "x"', Place(8, 2), ['  {a="b"} |> "x"', "          ^^"]),
        ('{a="東京"} nope', Place(9, 4), ['  {a="東京"} nope', "             ^^^^"]),
        ('{a="e\u0301"} x', Place(9, 1), ['  {a="e\u0301"} x', "          ^"]),
        ('{a="b"}\n| json\n|| x', Place(15, 2), ["  || x", "  ^^"]),
        ('{a="b"}\n|| x\n| json', Place(8, 99), ["  || x", "  ^^^^"]),
        ("\t{a}", Place(3, 1), ["   {a}", "     ^"]),
        ('{a="\x1b"} x', Place(8, 1), [r'  {a="\x1b"} x', "             ^"]),
        ("", Place(0, 1), ["  ", "  ^"]),
        ("{", Place(99, 5), ["  {", "   ^"]),
        ("{", Place(-3, 0), ["  {", "  ^"]),
    ],
)
def test_carets_stand_under_the_place(query: str, place: Place, shown: list[str]) -> None:
    assert explain(BadQueryError(query, "unexpected", place)).split("\n") == ["unexpected", *shown]


def test_a_bad_query_is_told_with_what_was_expected_and_a_hint() -> None:
    error = BadQueryError('{a="b"', "unexpected end of query", Place(6), (",", "}"), "close the selector")
    assert explain(error) == (
        'unexpected end of query\n  {a="b"\n        ^\nexpected: , or }\nhint: close the selector'
    )


def test_what_the_sentence_says_already_is_not_said_twice() -> None:
    sentence = "parse error at line 1, column 7: unexpected end; expected `,` or `}` (close the selector)"
    error = BadQueryError('{a="b"', sentence, Place(6), ("`,`", "`}`"), "close the selector")
    assert explain(error).split("\n") == [
        "parse error at line 1, column 7: unexpected end",
        '  {a="b"',
        "        ^",
        "expected: `,` or `}`",
        "hint: close the selector",
    ]


def test_a_bad_query_without_a_place_is_told_by_its_reason() -> None:
    assert explain(BadQueryError("{}", "at least one matcher must not match the empty text")) == (
        "at least one matcher must not match the empty text"
    )


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (BadQueryError("{", "no"), 2, ["no"]),
        (InvalidRequestError("--since", "1x", "must be a duration"), 2, ["--since", "1x"]),
        (LimitExceededError("limit", 5, 6), 2, ["5", "6"]),
        (ConfigError("server.port", "must be a number"), 2, ["server.port"]),
        (
            ServerUnreachableError(URL, "connection refused"),
            1,
            [URL, "refused", "logpulse serve", "LOGPULSE_SERVER_URL"],
        ),
        (ServerRefusedError(URL, 401, "a key is required"), 1, ["401", "a key is required", "LOGPULSE_API_KEY"]),
        (ServerRefusedError(URL, 403, "no"), 1, ["LOGPULSE_API_KEY"]),
        (ServerRefusedError(URL, 404, "Not Found"), 1, ["404", "LOGPULSE_SERVER_URL"]),
        (ServerRefusedError(URL, 429, "busy", 5.0), 1, ["busy", "5 s"]),
        (ServerRefusedError(URL, 500, "oops"), 1, [f"{URL} answered 500: oops"]),
        (UnexpectedAnswerError(URL, "answered with text/html"), 1, ["text/html", "LOGPULSE_SERVER_URL"]),
        (RejectedEntriesError(3, "too old"), 1, ["3", "too old"]),
        (MissingExtraError("pyarrow"), 1, ["pyarrow", "pip install 'logpulse[server]'"]),
    ],
)
def test_each_error_has_its_exit_code_and_its_way_out(error: LogPulseError, code: int, words: list[str]) -> None:
    assert exit_code(error) is ExitCode(code)
    assert all(word in explain(error) for word in words)


def test_a_stream_that_ended_is_not_told_as_a_wrong_url() -> None:
    assert "LOGPULSE_SERVER_URL" not in explain(StreamEndedError(URL, "closed with 1011: internal error"))


@pytest.mark.parametrize(
    "error",
    [
        BadQueryError("\x1b[2J", "\x1b[2J", Place(0), ("\x1b[2J",), "\x1b[2J"),
        ServerRefusedError("\x1b[2J", 500, "\x1b[2J"),
        ServerRefusedError("\x1b[2J", 401, "\x1b[2J"),
        ServerUnreachableError("\x1b[2J", "\x1b[2J"),
        UnexpectedAnswerError("\x1b[2J", "\x1b[2J"),
        RejectedEntriesError(1, "\x1b[2J"),
    ],
)
def test_no_error_text_carries_escape_sequences(error: LogPulseError) -> None:
    assert "\x1b" not in explain(error)


async def test_the_cause_of_a_refused_connection_is_found_below_the_groups_of_trio() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # taken, but not listening
        with pytest.raises(OSError, match="all attempts") as caught:
            await trio.open_tcp_stream("127.0.0.1", unused.getsockname()[1])
    assert reason_of(caught.value) == "connection refused"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ECONNRESET, "whatever"), "connection reset by peer"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "name or service not known"),
        (ValueError("Server disconnected without a response."), "server disconnected without a response"),
        (ValueError("TLS is required"), "TLS is required"),
        (ValueError(), "ValueError"),
    ],
)
def test_reason_of(error: BaseException, reason: str) -> None:
    assert reason_of(error) == reason


def test_a_certificate_that_is_not_trusted_is_told_with_the_way_out() -> None:
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
    error.verify_message = "self-signed certificate"
    outer = OSError("all attempts failed")
    outer.__cause__ = error
    assert reason_of(outer) == (
        "its certificate is not trusted (self-signed certificate); SSL_CERT_FILE may name its authority"
    )


def test_first_of_looks_through_groups() -> None:
    first = ValueError("first")
    assert first_of(ExceptionGroup("outer", [ExceptionGroup("inner", [first]), ValueError("second")])) is first
