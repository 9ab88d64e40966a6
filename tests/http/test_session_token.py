"""Tokens of sign-ins: by whom, for how long, and that nothing else is one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.http.auth import Keyring
from logpulse.http.session_token import SessionSigner
from logpulse.limits import SESSION_SECONDS

SIGNER = SessionSigner.of("key")
NOW = 1_768_435_200.5
TOKEN = SIGNER.issue(NOW).encode()


@pytest.mark.parametrize(
    ("later", "holds"), [(0, True), (SESSION_SECONDS - 1, True), (SESSION_SECONDS, False), (10**10, False)]
)
def test_a_token_holds_for_its_time(later: float, holds: bool) -> None:
    assert SIGNER.accepts(TOKEN, NOW + later) == holds


def test_the_same_key_makes_the_same_secret_and_another_another() -> None:
    assert SessionSigner.of("key").accepts(TOKEN, NOW)
    assert not SessionSigner.of("kex").accepts(TOKEN, NOW)


@given(st.integers(0, len(TOKEN) - 1), st.integers(1, 255))
def test_a_changed_token_is_none(place: int, change: int) -> None:
    changed = bytearray(TOKEN)
    changed[place] ^= change
    assert not SIGNER.accepts(bytes(changed), NOW)


@given(st.binary(max_size=100))
def test_no_other_bytes_are_a_token(token: bytes) -> None:
    assert not SIGNER.accepts(token, NOW)


def test_a_later_expiry_needs_another_signature() -> None:
    version, expiry, mac = TOKEN.split(b".")
    assert not SIGNER.accepts(b".".join([version, b"%d" % (int(expiry) + 1), mac]), NOW)
    assert not SIGNER.accepts(b".".join([version, b"0" + expiry, mac]), NOW)
    assert not SIGNER.accepts(TOKEN + b"\n", NOW)


def test_nothing_shows_the_secret() -> None:
    assert repr(SIGNER) == "SessionSigner()"
    assert "SessionSigner(" not in repr(Keyring.of("key")) or "secret" not in repr(Keyring.of("key"))


def test_a_keyring_without_a_key_has_no_sessions() -> None:
    ring = Keyring.of("")
    assert ring.new_session() == ""
    assert not ring.accepts_session(b"")
    ring.exchange("key")
    token = ring.new_session().encode()
    assert ring.accepts_session(token)
    ring.exchange("other")
    assert not ring.accepts_session(token)
    ring.exchange("key")
    assert ring.accepts_session(token)
    ring.exchange("")
    assert not ring.accepts_session(token)
