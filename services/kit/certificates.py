"""The client certificate of a connection that ends at a proxy (RFC 8705 §6.5, RFC 9440).

Told in a header that is believed only of a proxy named in the settings: whoever else sends it is not heard.
"""

import base64
import hashlib
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

if TYPE_CHECKING:
    from services.kit.settings import ServiceSettings

_PLACE = "tongban.certificate"
_MAX = 16 * 1024


def behind_proxies(app: ASGIApp, settings: "ServiceSettings") -> ASGIApp:
    """`app` with what the trusted proxies tell: the caller's address, and its certificate where that is set up."""
    if not settings.trusted_proxies:
        return app
    inner = ProxyHeadersMiddleware(app, list(settings.trusted_proxies))  # type: ignore[arg-type]
    if not settings.client_certificate_header:
        return inner  # type: ignore[return-value]

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        # Here `client` is still who is connected; inside it is whom X-Forwarded-For names.
        if scope["type"] == "http" and scope.get("client") and scope["client"][0] in inner.trusted_hosts:
            values = Headers(scope=scope).getlist(settings.client_certificate_header)
            if len(values) == 1:
                scope = {**scope, _PLACE: values[0]}
        await inner(scope, receive, send)  # type: ignore[arg-type]

    return outer


def told(scope: Scope) -> str | None:
    """The header as the proxy sent it, to be handed on; None where there is none that can be believed."""
    found: str | None = scope.get(_PLACE)
    return found


def thumbprint(scope: Scope) -> str | None:
    """`x5t#S256` of the certificate (RFC 8705 §3.1); None where there is none that can be believed or read."""
    value = told(scope)
    if not value or len(value) > _MAX:
        return None
    try:
        if value.startswith(":") and value.endswith(":"):
            certificate = x509.load_der_x509_certificate(base64.b64decode(value[1:-1], validate=True))
        else:
            certificate = x509.load_pem_x509_certificate(unquote_to_bytes(value))
    except ValueError:
        return None
    digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
