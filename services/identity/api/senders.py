"""What a request shows of its sender (RFC 9449, RFC 8705), and the nonce that its answer brings."""

from fastapi import Request
from starlette.responses import Response

from services.identity.api.reading import provider_of
from services.identity.errors import InvalidDpopProof, OAuthError
from services.identity.handlers.sender import Shown
from services.kit.certificates import thumbprint
from services.kit.dpop import ALGORITHMS

DPOP_CHALLENGE = f'DPoP algs="{" ".join(ALGORITHMS)}"'
"""RFC 9449 §7.1."""


def shown_by(request: Request) -> Shown:
    """DPoP headers, method, and the certificate that a trusted proxy tells of."""
    return Shown(tuple(request.headers.getlist("dpop")), thumbprint(request.scope), request.method)


def with_nonce(request: Request, response: Response, error: OAuthError | None = None) -> Response:
    """`response` with the nonce for the next proof (RFC 9449 §8.2), where the client sent one or should have."""
    if "dpop" in request.headers or isinstance(error, InvalidDpopProof):
        provider = provider_of(request)
        response.headers["DPoP-Nonce"] = provider.nonces.at(provider.now().timestamp())
    return response
