"""Which addresses may be asked: http(s) on the public internet, whatever a list or a redirect says.

The check is made on the very address that a socket is about to connect to, so a name that resolves anew between check
and connection gains nothing.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

_NAT64 = IPv6Network("64:ff9b::/96")  # the last 32 bits are an IPv4 address
_IPV4_COMPATIBLE = IPv6Network("::/96")  # likewise, and obsolete
# hosts that one owner serves: a complaint of one counts for all
_ONE_OWNER = (".staticflickr.com",)


class RefusedAddress(OSError):
    """An address that this machine does not ask; an OSError, as connecting raises them."""


def is_public(address: str) -> bool:
    """Whether an IP address is on the public internet, also when IPv6 wraps an IPv4 address."""
    ip = ip_address(address.partition("%")[0])  # without the zone of fe80::1%eth0
    inner = _wrapped(ip) if isinstance(ip, IPv6Address) else None
    return all(each.is_global and not each.is_multicast for each in (ip, inner) if each is not None)


def _wrapped(ip: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that traffic to `ip` ends at, where there is one."""
    if ip in _NAT64 or ip in _IPV4_COMPATIBLE:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    if ip.teredo is not None:
        return ip.teredo[1]
    return ip.ipv4_mapped or ip.sixtofour


def socket_to_public(address: tuple[Any, ...]) -> socket.socket:
    """A socket for one answer of getaddrinfo; RefusedAddress if it is a private network's.

    The message names no address: where a name has several, connecting tells the first of equal errors.
    """
    family, kind, protocol, _, where = address
    if not is_public(where[0]):
        raise RefusedAddress("leads into a private network; private_networks allows that")
    return any_socket((family, kind, protocol, "", where))


def any_socket(address: tuple[Any, ...]) -> socket.socket:
    """A socket for one answer of getaddrinfo, whichever it is."""
    family, kind, protocol, _, _ = address
    return socket.socket(family, kind, protocol)


def owner(authority: str) -> str:
    """The host, with port, that shares one rate and one pause with `authority`."""
    name, _, port = authority.partition(":")
    for suffix in _ONE_OWNER:
        if name.endswith(suffix):
            return suffix[1:] + (f":{port}" if port else "")
    return authority
