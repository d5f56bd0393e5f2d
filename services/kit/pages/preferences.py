"""What a reader prefers: the language (`tb-lang`) and the large-text mode (`tb-mode`).

`?lang=en` and `?mode=elder|plain` on any address set the cookie and lead back to the same address without
them.
"""

from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.kit.pages.languages import CHINESE, LANGUAGES, Languages, negotiate

LANGUAGE_COOKIE = "tb-lang"
MODE_COOKIE = "tb-mode"
MODES = ("plain", "elder")
_YEAR = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Preferences:
    """What this reader prefers, and the address that they are at."""

    language: str = CHINESE
    mode: str = "plain"
    path: str = "/"
    query: str = ""

    @property
    def address(self) -> str:
        """This address, safe for a link."""
        return self.path + (f"?{self.query}" if self.query else "")

    def link(self, **changes: str) -> str:
        """This address with some query parameters set."""
        pairs = [(name, value) for name, value in parse_qsl(self.query) if name not in changes]
        return f"{self.path}?{urlencode([*pairs, *changes.items()])}"


def preferences_of_scope(scope: Scope) -> Preferences:
    """The preferences that the middleware found; the defaults where it did not run (an error very early)."""
    found = scope.get("state", {}).get("preferences")
    return found if isinstance(found, Preferences) else Preferences()


def own_path(path: str) -> str:
    """`path` quoted and made safe for a Location: `//host` would lead away."""
    return "/" + quote(path.lstrip("/\\"), safe="/:@!$&'()*+,;=-._~")


class PreferencesMiddleware:
    """Reads the preferences of each request, answers the links that change them, sets the language of the context."""

    def __init__(self, app: ASGIApp, *, languages: Languages) -> None:
        self.app = app
        self._languages = languages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        query = scope["query_string"].decode("latin-1")
        if scope["method"] == "GET" and ("lang=" in query or "mode=" in query):
            response = self._change(own_path(scope["path"]), query)
            if response is not None:
                await response(scope, receive, send)
                return
        cookies = cookie_parser(headers.get("cookie", ""))
        language = negotiate(cookies.get(LANGUAGE_COOKIE), headers.get("accept-language", ""))
        mode = "elder" if cookies.get(MODE_COOKIE) == "elder" else "plain"
        self._languages.use(language)
        scope.setdefault("state", {})["preferences"] = Preferences(language, mode, own_path(scope["path"]), query)
        await self.app(scope, receive, send)

    def _change(self, path: str, query: str) -> Response | None:
        pairs = parse_qsl(query, keep_blank_values=True)
        asked = {name: value for name, value in pairs if name in ("lang", "mode")}
        if not asked:
            return None
        rest = urlencode([pair for pair in pairs if pair[0] not in asked])
        response = Response(status_code=303, headers={"location": path + (f"?{rest}" if rest else "")})
        if asked.get("lang") in LANGUAGES:
            set_preference(response, LANGUAGE_COOKIE, asked["lang"])
        if asked.get("mode") in MODES:
            set_preference(response, MODE_COOKIE, asked["mode"])
        return response


def set_preference(response: Response, name: str, value: str) -> None:
    """Keep a preference for a year. It is no secret, but no script needs it."""
    response.set_cookie(name, value, max_age=_YEAR, path="/", secure=True, httponly=True, samesite="lax")
