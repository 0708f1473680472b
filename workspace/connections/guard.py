"""Where the server may call out to. A name is resolved, every address checked, and the call goes to the address that
was checked, so a name cannot point elsewhere a moment later."""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2


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
    admin allowed this host. Link-local addresses (cloud metadata) are refused always. Raises NotAllowed."""
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NotAllowed("base_url", "The address must begin with http:// or https:// and name a host.")
    if parts.username or parts.password:
        raise NotAllowed("base_url", "Leave user and password out of the address: the key has a field of its own.")
    if parts.scheme == "http" and not allow_private:
        raise NotAllowed("base_url", "Use https://. Plain http is only for hosts that an admin allowed as private.")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        found = {str(info[4][0]) for info in socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)}
    except (OSError, ValueError, UnicodeError):
        raise NotAllowed("base_url", f"The host {parts.hostname} is not known.") from None
    for text in found:
        address = ipaddress.ip_address(text.split("%")[0])
        mapped = getattr(address, "ipv4_mapped", None) or address
        if mapped.is_link_local or mapped.is_multicast or mapped.is_unspecified:
            raise NotAllowed("base_url", f"{parts.hostname} points to {mapped}, which is never called.")
        if not mapped.is_global and not allow_private:
            raise NotAllowed(
                "base_url", f"{parts.hostname} points to the private address {mapped}. An admin can allow this host."
            )
    return Target(host=parts.hostname, port=port, address=min(found))


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
