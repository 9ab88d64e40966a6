"""The addresses that `ip("…")` names: a single one, a range `a-b`, or a network `10.0.0.0/8`; IPv4 and IPv6."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

import attrs

from logpulse.errors import LogPulseError

_NETWORK: Final = re.compile(r"([^/]+)/([0-9]{1,3})")


@attrs.define(eq=False, slots=False)
class IpRangeError(LogPulseError):
    """Refuse a text that names no addresses."""

    text: str

    def __str__(self) -> str:
        return f"`{self.text}` is no address, no range `a-b` and no network `a/bits`"


@attrs.frozen
class IpRange:
    """Hold the first and the last address, both included and of one version."""

    first: IPv4Address | IPv6Address
    last: IPv4Address | IPv6Address

    def __contains__(self, address: IPv4Address | IPv6Address) -> bool:
        return address.version == self.first.version and int(self.first) <= int(address) <= int(self.last)


def parse_ip_range(text: str) -> IpRange:
    """Read the argument of `ip`. A network may have bits set beyond its prefix: `192.168.4.5/16`.

    Raises:
        IpRangeError: an address is malformed, the ends of a range differ in version or stand in the wrong order.
    """
    try:
        network = _NETWORK.fullmatch(text)
        if network is not None:
            addresses = ip_network(f"{network[1]}/{network[2]}", strict=False)
            return IpRange(addresses[0], addresses[-1])
        low, dash, high = text.partition("-")
        first = ip_address(low)
        last = ip_address(high) if dash else first
    except ValueError:
        raise IpRangeError(text) from None
    if first.version != last.version or int(first) > int(last):
        raise IpRangeError(text)
    return IpRange(first, last)
