"""Where the server may call out to. A name is resolved, every address checked, and the call goes to the address that
was checked, so a name cannot point elsewhere a moment later."""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# metadata services that are not at a link-local address: Amazon's over IPv6, Alibaba's
METADATA = frozenset(map(ipaddress.ip_address, ("fd00:ec2::254", "100.100.100.200")))
# the last 32 bits are an IPv4 address: IPv4-compatible (RFC 4291), NAT64 (RFC 6052, RFC 8215)
HOLD_IPV4 = tuple(map(ipaddress.IPv6Network, ("::/96", "64:ff9b::/96", "64:ff9b:1::/48")))


class NotAllowed(Exception):
    """A field holds something that cannot be used; `reason` says why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


@dataclass(frozen=True, slots=True)
class Target:
    """A checked address to connect to."""

    host: str
    port: int
    address: str


def check(base_url: str, *, allow_private: bool) -> Target:
    """Resolve `base_url` and refuse what is not public (loopback, private, link-local, multicast, reserved), unless an
    admin allowed this host. Cloud metadata (link-local addresses and METADATA) is refused always. An IPv6 address that
    stands for an IPv4 one is judged as that. Raises NotAllowed."""
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NotAllowed("base_url", "The address must begin with http:// or https:// and name a host.")
    if parts.username or parts.password:
        raise NotAllowed("base_url", "Leave user and password out of the address: the key has a field of its own.")
    if parts.scheme == "http" and not allow_private:
        raise NotAllowed("base_url", "Use https://. Plain http is only for hosts that were allowed as private.")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        found = {str(info[4][0]) for info in socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)}
    except (OSError, ValueError, UnicodeError):
        raise NotAllowed("base_url", f"The host {parts.hostname} is not known.") from None
    for text in found:
        address = _meant(ipaddress.ip_address(text.split("%")[0]))
        if address.is_link_local or address.is_multicast or address.is_unspecified or address in METADATA:
            raise NotAllowed("base_url", f"{parts.hostname} points to {address}, which is never called.")
        if not address.is_global and not allow_private:
            raise NotAllowed(
                "base_url",
                f"{parts.hostname} points to the private address {address}. An administrator of this installation can allow it.",
            )
    return Target(host=parts.hostname, port=port, address=min(found))


def _meant(address: Address) -> Address:
    """Where a packet to `address` ends up: the IPv4 address inside a mapped, translated or tunnelled one."""
    if isinstance(address, ipaddress.IPv4Address) or address.is_loopback or address.is_unspecified:
        return address
    if any(address in network for network in HOLD_IPV4):
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)


class PinnedTransport(httpx2.HTTPTransport):
    """Checks the host at every request and connects to the very address that was checked. Redirects are not followed
    and proxies of the environment are not used."""

    def __init__(self, *, allow_private: bool) -> None:
        super().__init__(retries=0, trust_env=False)
        self.allow_private = allow_private

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        target = check(str(request.url), allow_private=self.allow_private)
        request.extensions = {**request.extensions, "sni_hostname": target.host}
        request.url = request.url.copy_with(host=target.address)
        return super().handle_request(request)
