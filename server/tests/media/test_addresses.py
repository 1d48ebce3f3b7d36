"""Which addresses are public, the same on every supported Python."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terrarium_server.media._addresses import is_public

# A range, and whether the addresses right before and after it are public (None: there is none).
RANGES = {
    "0.0.0.0/8": (None, True),
    "10.0.0.0/8": (True, True),
    "100.64.0.0/10": (True, True),
    "127.0.0.0/8": (True, True),
    "169.254.0.0/16": (True, True),
    "172.16.0.0/12": (True, True),
    "192.0.0.0/24": (True, True),
    "192.0.2.0/24": (True, True),
    "192.88.99.0/24": (True, True),
    "192.168.0.0/16": (True, True),
    "198.18.0.0/15": (True, True),
    "198.51.100.0/24": (True, True),
    "203.0.113.0/24": (True, True),
    "224.0.0.0/4": (True, False),
    "240.0.0.0/4": (False, None),
    "255.255.255.255/32": (False, None),
    "::/128": (None, False),
    "::1/128": (False, False),
    "::/96": (None, False),
    "::ffff:0:0/96": (False, False),
    "64:ff9b:1::/48": (False, False),
    "100::/64": (False, False),
    "100:0:0:1::/64": (False, False),
    "2001::/23": (True, True),
    "2001::/32": (True, False),
    "2001:2::/48": (False, False),
    "2001:10::/28": (False, False),
    "2001:20::/28": (False, False),
    "2001:db8::/32": (True, True),
    "2002::/16": (True, True),
    "3fff::/20": (True, True),
    "5f00::/16": (False, False),
    "fc00::/7": (False, False),
    "fe80::/10": (False, False),
    "fec0::/10": (False, False),
    "ff00::/8": (False, None),
}


@pytest.mark.parametrize("text", RANGES)
def test_a_special_range_is_not_public_and_ends_where_it_ends(text: str) -> None:
    network = ipaddress.ip_network(text)
    first, last = network.network_address, network.broadcast_address
    for address in (first, first + (int(last) - int(first)) // 2, last):
        assert not is_public(str(address)), address
    before, after = RANGES[text]
    if before is not None:
        assert is_public(str(first - 1)) is before
    if after is not None:
        assert is_public(str(last + 1)) is after


@pytest.mark.parametrize(
    "address",
    [
        "192.0.0.192", "fec0::1", "3fff::1", "fe80::1%eth0", "2606:2800:220:1::1%eth0", "::127.0.0.1",
        "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::808:808", "2002:7f00:1::", "2002:808:808::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "169.254.169.254", "fd00:ec2::254",
    ],
)  # fmt: skip
def test_an_address_that_embeds_another_or_is_bound_to_an_interface_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "93.184.216.34", "223.255.255.255", "2000::1", "2606:2800:220:1::1", "64:ff9b::5db8:d822"],
)
def test_global_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("text", ["", "1.2.3", "0177.0.0.1", "2130706433", "::g", "localhost"])
def test_a_text_that_is_no_address_raises(text: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        is_public(text)


@given(st.ip_addresses())
def test_nothing_is_public_that_python_calls_special(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if is_public(str(ip)):
        assert not (ip.is_private or ip.is_loopback or ip.is_link_local or ip.is_multicast)
        assert not (ip.is_reserved and ip not in ipaddress.ip_network("64:ff9b::/96"))
        assert not (isinstance(ip, ipaddress.IPv6Address) and (ip.is_site_local or ip.ipv4_mapped))
