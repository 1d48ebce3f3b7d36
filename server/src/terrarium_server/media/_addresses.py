"""Which IP addresses are public.

The table is our own, because `ipaddress` has different ranges in each version of Python. It follows IANA's
registries of special-purpose addresses (RFC 6890 and its updates) and of IPv6 address space. A range is left
out as a whole if its reachable parts serve no files (anycast of relays, ORCHID).
"""

import ipaddress

_IPV4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # shared by a provider's customers
            "127.0.0.0/8",  # loopback
            "169.254.0.0/16",  # link-local; also the metadata service of clouds, which gives out secrets
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # IETF protocols
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # relays of 6to4, deprecated
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
        ),
    )
)

# All that IANA has assigned as global unicast so far. It excludes, for example, loopback, IPv4-mapped and
# -compatible addresses, 64:ff9b:1::/48, 100::/64, 5f00::/16, fc00::/7, fe80::/10, fec0::/10 and multicast.
_UNICAST = ipaddress.IPv6Network("2000::/3")
_IPV6 = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "2001::/23",  # IETF protocols, with Teredo, which hides an IPv4 address
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4, which hides an IPv4 address
            "3fff::/20",  # documentation
        ),
    )
)
# Resolvers of machines without IPv4 map the addresses of hosts without IPv6 into this range.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether this is a public IP address. Raises ValueError if it is no address.

    An address that is bound to an interface (``%eth0``) is not public.
    """
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in _IPV4)
    if ip.scope_id is not None:
        return False
    if ip in _NAT64:
        return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
    return ip in _UNICAST and not any(ip in network for network in _IPV6)
