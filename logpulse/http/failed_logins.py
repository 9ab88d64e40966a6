"""How many wrong keys may be tried at the page's sign-in."""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from logpulse.errors import OverloadedError
from logpulse.limits import LOGIN_ADDRESSES, LOGIN_FAILURES_PER_MINUTE

_RATE: Final = LOGIN_FAILURES_PER_MINUTE / 60


class FailedLogins:
    """Count failures by address, each forgotten after its share of a minute.

    Of IPv6 addresses the first 64 bits count, as whoever has one has all that begin so. LOGIN_ADDRESSES are remembered,
    those that failed last.

    Args:
        clock: gives seconds and never jumps.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, tuple[float, float]] = OrderedDict()  # how many, and when that was so

    def refuse_beyond(self, address: str) -> None:
        """Let nobody try on who has failed too often.

        Raises:
            OverloadedError: says after how many seconds one more try is due.
        """
        failures = self._now(_network(address))
        if failures > LOGIN_FAILURES_PER_MINUTE - 1:
            wait = math.ceil((failures - LOGIN_FAILURES_PER_MINUTE + 1) / _RATE)
            raise OverloadedError(
                "failed sign-ins a minute", LOGIN_FAILURES_PER_MINUTE, math.ceil(failures) + 1, retry_after=wait
            )

    def note(self, address: str) -> None:
        """Count one failure."""
        network = _network(address)
        self._failures[network] = (self._now(network) + 1, self._clock())
        self._failures.move_to_end(network)
        if len(self._failures) > LOGIN_ADDRESSES:
            self._failures.popitem(last=False)

    def _now(self, network: str) -> float:
        count, when = self._failures.get(network, (0.0, 0.0))
        return max(0.0, count - (self._clock() - when) * _RATE)


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed.packed[:8] + bytes(8), 64)))
    return str(parsed)
