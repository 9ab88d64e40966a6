"""The tokens by which the web page's browser is known after it has shown the key once. No server remembers them."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final

import attrs

from logpulse.limits import SESSION_SECONDS

_TOKEN: Final = re.compile(rb"1\.([0-9]{1,12})\.([0-9a-f]{64})")
_SALT: Final = b"logpulse page session 1"  # not secret: it keeps this use of the key apart from others
_COST: Final = {"n": 2**14, "r": 8, "p": 1}  # 40 ms and 16 MiB, for each guess at a key as for us


@attrs.frozen
class SessionSigner:
    """Make and judge tokens by a secret that is derived from the key.

    So they outlive a restart, and end with the key. Whoever has a token, even an expired one, can try keys against it
    on his own machine; the derivation makes each try dear.
    """

    _secret: bytes = attrs.field(repr=False)

    @classmethod
    def of(cls, key: str) -> SessionSigner:
        """Derive the secret from `key`; takes as long as one guess."""
        return cls(hashlib.scrypt(key.encode(), salt=_SALT, **_COST, dklen=32))

    def issue(self, now: float) -> str:
        """Make a token that holds for SESSION_SECONDS from `now`, in unix seconds."""
        expiry = int(now) + SESSION_SECONDS
        return f"1.{expiry}.{self._mac(b'%d' % expiry)}"

    def accepts(self, token: bytes, now: float) -> bool:
        """Tell whether `token` was issued with the same key and holds at `now`, in a time that betrays no secret."""
        parts = _TOKEN.fullmatch(token)
        if parts is None:
            return False
        is_ours = hmac.compare_digest(self._mac(parts[1]).encode(), parts[2])
        return is_ours and now < int(parts[1])

    def _mac(self, expiry: bytes) -> str:
        return hmac.new(self._secret, expiry, hashlib.sha256).hexdigest()
