"""Addresses inside text."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.logql.ip_range import IpRangeError
from logpulse.logql.ip_search import compile_ip_search


@pytest.mark.parametrize(
    ("addresses", "line", "found"),
    [
        ("10.0.0.0/8", "src=10.0.0.1 dst=8.8.8.8", True),
        ("8.8.8.8", "src=10.0.0.1,8.8.8.8", True),
        ("10.0.0.5-10.0.0.7", "[10.0.0.7]:8080", True),
        ("10.0.0.5-10.0.0.7", "10.0.0.8:9090", False),
        ("1.2.3.4", "x1.2.3.4y", True),
        ("0.0.0.0/0", "10.0.0.256 1.2.3 10.0.0.1.2 010.0.0.1 12:34:56 ....", False),
        ("::/0", "10.0.0.1 dead:beef 12:34:56 ::", False),
        ("2001:db8::/32", "client 2001:0DB8:0:0::00AB%eth0 x", True),
        ("::1", "::1", True),
        ("::1", "from ::1 to", True),
        ("fe80::/10", "fe80::", True),
        ("10.0.0.0/8", "::ffff:10.0.0.9", False),
        ("::ffff:10.0.0.9", "x ::ffff:10.0.0.9", True),
        ("1.2.3.4", "", False),
        ("1.2.3.4", "é1.2.3.4é", True),
    ],
)
def test_lines(addresses: str, line: str, found: bool) -> None:
    assert compile_ip_search(addresses)(line) is found


def test_no_addresses() -> None:
    with pytest.raises(IpRangeError):
        compile_ip_search("nonsense")


around = st.text("xyz =,[]()é\n", max_size=4)


@given(st.integers(0, 2**32 - 1), around, around)
def test_an_address_of_version_4_is_found(number: int, before: str, after: str) -> None:
    address = str(IPv4Address(number))
    assert compile_ip_search(address)(f"{before}{address}{after}")
    assert compile_ip_search("0.0.0.0/0")(f"{before}{address}{after}")


@given(st.integers(1, 2**128 - 1), around, around)
def test_an_address_of_version_6_is_found(number: int, before: str, after: str) -> None:
    address = str(IPv6Address(number))
    assert compile_ip_search(address)(f"{before}{address}{after}")
    assert not compile_ip_search(str(IPv6Address(number ^ 1)))(f"{before}{address}{after}")


ranges = st.tuples(*[st.integers(0, 99)] * 2).map(sorted).map(lambda ends: "10.0.0.{}-10.0.0.{}".format(*ends))
networks = st.sampled_from(["::/0", "::1", "::5-::7", "2001:db8::/32", "10.0.0.0/30"])


@given(st.lists(ranges | networks, max_size=5), st.integers(0, 99), st.integers(0, 9))
def test_many_ranges_are_as_good_as_one_after_the_other(texts: list[str], four: int, six: int) -> None:
    for line in (f"a 10.0.0.{four} b", f"a ::{six} b", f"10.0.0.{four} ::{six}"):
        assert compile_ip_search(*texts)(line) is any(compile_ip_search(text)(line) for text in texts)
