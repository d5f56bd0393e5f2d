"""HTTP calls to addresses that somebody else chose: guarded, bounded, without redirects.

The name is resolved here, every address is checked, and the connection goes to the very address that was checked, so
that a name which changes its mind (DNS rebinding) reaches nothing inside. TLS and `Host` keep the name.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx

from services.kit.settings import ServiceSettings, SettingsError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_ANSWER_BYTES = 64 * 1024
USER_AGENT = "Tongban/1"
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the IPv4 address is in the last 32 bits
_NEVER = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT, RFC 6598
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "::/96",  # IPv4-compatible, deprecated
        "64:ff9b:1::/48",  # NAT64 of a network's own, RFC 8215
        "100::/64",
        "2001::/23",  # Teredo and other protocol assignments
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",
        "5f00::/16",
        "fec0::/10",
    )
)


class OutboundFailed(Exception):
    """No answer. `cause` is a short, stable word for logs and attempts."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class AddressRefused(OutboundFailed):
    """The URL or the address that its name resolves to is none that may be called."""

    def __init__(self) -> None:
        super().__init__("address-refused")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; header names in lower case, the body cut at MAX_ANSWER_BYTES."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Parse networks of the settings. Raises SettingsError."""
    found = []
    for text in texts:
        try:
            found.append(ipaddress.ip_network(text))
        except ValueError:
            raise SettingsError(f"outbound_allowed_networks: {text} is no network") from None
    return tuple(found)


def real(address: Address) -> Address:
    """The IPv4 address inside a mapped or NAT64 one, else the address itself."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet (IANA special-purpose registries, RFC 6890)."""
    address = real(address)
    special = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_link_local
    return address.is_global and not special and not any(address in network for network in _NEVER)


class Guard(httpcore.AsyncNetworkBackend):
    """Connects only to permitted addresses. Plain HTTP may go to the allowed networks alone (`encrypted` false)."""

    def __init__(self, allowed: Sequence[Network], *, encrypted: bool) -> None:
        self._allowed = allowed
        self._encrypted = encrypted
        self._backend = httpcore.AnyIOBackend()

    def permits(self, address: Address) -> bool:
        if any(real(address) in network for network in self._allowed):
            return True
        return self._encrypted and is_public(address)

    async def resolve(self, host: str, port: int) -> list[str]:
        """The permitted addresses of `host`. Raises AddressRefused when there are only others."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise httpcore.ConnectError("the name does not resolve") from None
        addresses = [ipaddress.ip_address(str(info[4][0]).partition("%")[0]) for info in found]
        permitted = [str(address) for address in addresses if self.permits(address)]
        if not permitted:
            raise AddressRefused
        return list(dict.fromkeys(permitted))

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception = httpcore.ConnectError("no address")
        for address in (await self.resolve(host, port))[:3]:
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise AddressRefused

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Outbound:
    """A client for such calls. Takes no proxy from the environment, follows no redirect, keeps no cookie."""

    def __init__(self, settings: ServiceSettings, *, timeout: float = 20.0) -> None:
        self._timeout = timeout
        self._allowed = networks(settings.outbound_allowed_networks)
        self._ca = settings.outbound_ca_file
        self._pools: dict[str, httpcore.AsyncConnectionPool] = {}

    def _pool(self, scheme: str) -> httpcore.AsyncConnectionPool:
        if scheme not in self._pools:
            self._pools[scheme] = httpcore.AsyncConnectionPool(
                ssl_context=self._tls() if scheme == "https" else None,
                max_connections=None,
                max_keepalive_connections=50,
                keepalive_expiry=5.0,
                network_backend=Guard(self._allowed, encrypted=scheme == "https"),
            )
        return self._pools[scheme]

    def _tls(self) -> ssl.SSLContext:
        context = httpx.create_ssl_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self._ca:
            context.load_verify_locations(self._ca)
        return context

    async def check(self, url: str) -> None:
        """Raise AddressRefused when `url` leads only where no call may go. A name that does not resolve passes."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise AddressRefused
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            async with asyncio.timeout(5):
                await Guard(self._allowed, encrypted=parts.scheme == "https").resolve(parts.hostname, port)
        except (httpcore.ConnectError, TimeoutError):
            return

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """Send one request; the answer whatever its status. Raises AddressRefused, OutboundFailed."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._send(method, url, headers, body)
        except (TimeoutError, httpcore.TimeoutException):
            raise OutboundFailed("timeout") from None
        except httpcore.ConnectError as error:
            tls = isinstance(error.__cause__, ssl.SSLError) or "ssl" in str(error).lower()
            raise OutboundFailed("tls" if tls else "connect") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError):
            raise OutboundFailed("connection-broken") from None
        except (httpcore.UnsupportedProtocol, ValueError):
            raise AddressRefused from None

    async def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        given = {"user-agent": USER_AGENT, "host": urlsplit(url).netloc.rpartition("@")[2], "accept": "*/*"}
        given |= {name.lower(): value for name, value in headers.items()}
        given["content-length"] = str(len(body))
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or parts.username is not None or parts.password is not None:
            raise AddressRefused
        pairs = [(name.encode(), value.encode()) for name, value in given.items()]
        seconds = dict.fromkeys(("connect", "read", "write", "pool"), self._timeout)
        pool = self._pool(parts.scheme)
        async with pool.stream(method, url, headers=pairs, content=body, extensions={"timeout": seconds}) as answer:
            seen, size = [], 0
            async for chunk in answer.aiter_stream():
                seen.append(chunk[: MAX_ANSWER_BYTES - size])
                size += len(chunk)
                if size >= MAX_ANSWER_BYTES:
                    break  # leaving early closes the connection
            found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
            return Answer(answer.status, found, b"".join(seen))

    async def close(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()
        self._pools.clear()
