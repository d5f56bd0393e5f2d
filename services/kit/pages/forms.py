"""Forms: strict reading of what is posted, and the token that ties a form to the browser that it was shown to.

The token is an HMAC of a random `__Host-` cookie, masked anew for each page so that compression tells nothing
(BREACH). `Sec-Fetch-Site` and `Origin` are checked besides, where a browser sends them.
"""

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl

from markupsafe import Markup
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from services.kit.errors import Forbidden, Malformed, TongbanError, TooLarge, Unsupported

FIELD = "_token"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_SECRET_BYTES = 32


class FormExpired(Forbidden):
    """The form's token is missing or not this browser's: an old tab, or another site."""

    slug, title = "form-expired", "The form has expired"


class Form(Mapping[str, str]):
    """What was posted: one text for each name. A name given twice is refused unless it is asked for as `many`."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            # Browsers send line ends as CR LF; control characters come from no keyboard and no database takes NUL.
            clean = _CONTROL.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
            self._values.setdefault(name, []).append(clean)

    def __getitem__(self, name: str) -> str:
        values = self._values[name]
        if len(values) > 1:
            raise Malformed(f"{name[:40]} is given twice")
        return values[0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def text(self, name: str, limit: int = 4000) -> str:
        """The value of `name` without surrounding white space, "" where there is none. Raises Malformed, TooLarge."""
        value = self.get(name, "").strip()
        if len(value) > limit:
            raise TooLarge(f"{name[:40]} is longer than {limit} characters")
        return value

    def many(self, name: str) -> list[str]:
        """Every value of `name`."""
        return list(self._values.get(name, ()))


def parse_form(body: bytes, max_fields: int = 300) -> Form:
    """Read application/x-www-form-urlencoded (WHATWG URL §5.1), UTF-8 only. Raises Malformed."""
    try:
        return Form(parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=max_fields))
    except ValueError:  # UnicodeDecodeError among them
        raise Malformed("the form is not UTF-8 or has too many fields") from None


async def read_body(request: Request, limit: int) -> bytes:
    """The body, at most `limit` bytes. Raises TooLarge without reading on."""
    request.state.body_was_read = True
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise TooLarge(f"the body is larger than {limit} bytes")
    return bytes(body)


def posted(request: Request) -> Form | None:
    """The form that this request posted, as far as it was read; its token may not have been checked."""
    form = getattr(request.state, "posted", None)
    return form if isinstance(form, Form) else None


class FormGuard:
    """Makes and checks form tokens for one surface. `key`: 32 bytes that all its processes share."""

    def __init__(self, surface: str, origin: str, key: bytes) -> None:
        self.cookie = f"__Host-tb-form-{surface}"
        self._origin = origin.rstrip("/")
        self._key = key

    def token(self, request: Request) -> str:
        """A token for a form on the page that answers `request`."""
        secret = request.cookies.get(self.cookie) or getattr(request.state, "new_form_secret", None)
        if not secret or not re.fullmatch(r"[\w-]{43}", secret):
            secret = base64.urlsafe_b64encode(os.urandom(_SECRET_BYTES)).decode().rstrip("=")
            request.state.new_form_secret = secret
        mask = os.urandom(_SECRET_BYTES)
        masked = bytes(a ^ b for a, b in zip(mask, self._digest(secret), strict=True))
        return base64.urlsafe_b64encode(mask + masked).decode()

    def field(self, request: Request) -> Markup:
        """The hidden field that every form carries."""
        return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, self.token(request))

    def keep(self, request: Request, response: Response) -> None:
        """Set the cookie that tokens made for this request belong to."""
        if secret := getattr(request.state, "new_form_secret", None):
            response.set_cookie(self.cookie, secret, path="/", secure=True, httponly=True, samesite="lax")

    def check_site(self, request: Request) -> None:
        """Refuse a post that a browser says comes from elsewhere. Raises FormExpired."""
        site = request.headers.get("sec-fetch-site")
        origin = request.headers.get("origin")
        if site not in (None, "same-origin", "none") or origin not in (None, self._origin):
            raise FormExpired("posted from another site")

    def check(self, request: Request, token: str) -> None:
        """Raises FormExpired unless `token` was made for this browser."""
        self.check_site(request)
        secret = request.cookies.get(self.cookie, "")
        try:
            raw = base64.urlsafe_b64decode(token.encode())
        except ValueError:
            raw = b""
        if not secret or len(raw) != 2 * _SECRET_BYTES:
            raise FormExpired("no form token")
        mask, masked = raw[:_SECRET_BYTES], raw[_SECRET_BYTES:]
        unmasked = bytes(a ^ b for a, b in zip(mask, masked, strict=True))
        if not hmac.compare_digest(unmasked, self._digest(secret)):
            raise FormExpired("the form token is not this browser's")

    async def read(self, request: Request, limit: int = 256 * 1024, max_fields: int = 300) -> Form:
        """Read and check a posted form. Raises Unsupported, TooLarge, Malformed, FormExpired."""
        form = await self._posted(request, limit, max_fields)
        self.check(request, form.text(FIELD))
        return form

    async def typed(self, request: Request) -> Form | None:
        """The form that a refused request posted, where it may be shown once more: whole, and from a page of ours.

        A page of another site must not get its own words into a form with a good token: without one, the browser
        itself has to say that the form came from here.
        """
        try:
            form = posted(request) or await self._posted(request)
        except (TongbanError, ClientDisconnect):
            return None
        try:
            self.check(request, form.text(FIELD))
        except TongbanError:
            site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
            told = site == "same-origin" or (site is None and origin is not None)
            return form if told and origin in (None, self._origin) else None
        return form

    async def _posted(self, request: Request, limit: int = 256 * 1024, max_fields: int = 300) -> Form:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded" or getattr(request.state, "body_was_read", False):
            raise Unsupported("a form is expected")
        form = parse_form(await read_body(request, limit), max_fields)
        request.state.posted = form
        return form

    def _digest(self, secret: str) -> bytes:
        return hmac.new(self._key, secret.encode(), hashlib.sha256).digest()
