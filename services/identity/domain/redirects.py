"""Redirect URIs: which may be registered, which match (RFC 9700 §2.1 and §4.1.3, RFC 8252 §7 and §8.3)."""

import re
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit, urlunsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})
_MAX = 2000


def registrable(uri: str, *, loopback_http: bool, private_use: bool = False) -> str | None:
    """What is wrong with `uri` as a redirect URI, None when nothing is. `loopback_http` allows http on loopback,
    `private_use` schemes of apps.
    """
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
    app = private_use and of_an_app(uri)
    if not parts.hostname and not app:
        return "has no host"
    segments = parts.path.lower().replace("%2e", ".").split("/")
    if ".." in segments or "." in segments:
        return "has dot segments"
    if "*" in parts.netloc:
        return "has a wildcard"
    if app:
        # It is sent on as it was registered, and `a.b:///c` would come out as `a.b:/c`.
        fits = (parts.netloc or parts.path.startswith("/")) and urlunsplit(parts) == uri
        return None if fits else "has no plain path"
    if parts.scheme == "https":
        return None
    if parts.scheme == "http" and loopback_http and parts.hostname in LOOPBACK:
        return None
    return "is not https"


def of_an_app(uri: str) -> bool:
    """Whether `uri` has a private-use scheme: a domain name turned round, so that no two apps meet in it and nothing
    that a browser runs is one (RFC 8252 §7.1 and §8.4).
    """
    return re.fullmatch(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+", uri.partition(":")[0]) is not None


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


def form_target(uri: str) -> str:
    """The source expression of a Content-Security-Policy that lets a form lead to `uri` (CSP 3 §2.3.1)."""
    return f"{uri.partition(':')[0]}:" if of_an_app(uri) else origin(uri)


def origin(uri: str) -> str:
    """Scheme, host and port of `uri` (RFC 6454 §4)."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}".lower()
