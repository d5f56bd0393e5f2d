"""Security headers of every answer: a policy without inline code, no framing, no sniffing, nothing kept in caches."""

from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send


def content_policy(form_targets: Sequence[str] = ()) -> str:
    """The Content-Security-Policy of our pages. `form_targets`: origins that a form's answer may redirect to.

    Browsers apply form-action to redirects after a post as well, so a sign-in form must name where it leads.
    """
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "manifest-src 'self'",
            " ".join(("form-action 'self'", *form_targets)),
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


class SecurityHeaders:
    """ASGI middleware; what a response sets itself stays."""

    def __init__(self, app: ASGIApp, *, policy: str, secure: bool) -> None:
        self.app = app
        headers = [
            ("content-security-policy", policy),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            # Not no-referrer: browsers would then send `Origin: null` with our own forms.
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
            ("cache-control", "no-store"),
        ]
        if secure:
            headers.append(("strict-transport-security", "max-age=31536000; includeSubDomains"))
        self._headers = [(name.encode(), value.encode("latin-1")) for name, value in headers]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                raw = message.setdefault("headers", [])
                set_already = {name.lower() for name, _ in raw}
                raw.extend(pair for pair in self._headers if pair[0] not in set_already)
            await send(message)

        await self.app(scope, receive, with_headers)
