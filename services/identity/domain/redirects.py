"""Redirect URIs: which may be registered, which match (RFC 9700 §2.1 and §4.1.3, RFC 8252 §7 and §8.3)."""

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit, urlunsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})
_MAX = 2000


def registrable(uri: str, *, loopback_http: bool) -> str | None:
    """What is wrong with `uri` as a redirect URI, None when nothing is. `loopback_http` allows http on loopback."""
    if len(uri) > _MAX or not uri.isascii() or any(c.isspace() or ord(c) < 0x21 or c == "\\" for c in uri):
        return "has characters that no URI has"
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return "is no URI"
    if parts.fragment or "#" in uri:
        return "has a fragment"
    if "@" in parts.netloc:
        return "has user information"
    if not parts.hostname:
        return "has no host"
    segments = parts.path.lower().replace("%2e", ".").split("/")
    if ".." in segments or "." in segments:
        return "has dot segments"
    if "*" in parts.netloc:
        return "has a wildcard"
    if parts.scheme == "https":
        return None
    if parts.scheme == "http" and loopback_http and parts.hostname in LOOPBACK:
        return None
    return "is not https"


def matches(asked: str, registered: tuple[str, ...], *, native: bool) -> bool:
    """Whether `asked` is one of `registered`, character for character; a native client's loopback port may differ."""
    if asked in registered:
        return True
    if not native:
        return False
    if registrable(asked, loopback_http=True) is not None:
        return False
    return any(_without_loopback_port(asked) == found for r in registered if (found := _without_loopback_port(r)))


def _without_loopback_port(uri: str) -> str | None:
    parts = urlsplit(uri)
    if parts.scheme != "http" or parts.hostname not in LOOPBACK:
        return None
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else str(parts.hostname)
    return urlunsplit((parts.scheme, host, parts.path, parts.query, ""))


def with_parameters(uri: str, parameters: Mapping[str, str]) -> str:
    """`uri` with `parameters` added to its query; what it has there stays (RFC 6749 §3.1.2)."""
    parts = urlsplit(uri)
    query = parts.query + ("&" if parts.query else "") + urlencode(parameters)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def origin(uri: str) -> str:
    """Scheme, host and port of `uri` (RFC 6454 §4)."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}".lower()
