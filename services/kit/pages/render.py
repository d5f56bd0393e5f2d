"""Pages: templates, texts and static files of one application, and the frame that each surface puts around a page."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from services.kit.pages import dates, languages
from services.kit.pages.assets import Assets
from services.kit.pages.forms import FormGuard
from services.kit.pages.headers import SecurityHeaders, content_policy
from services.kit.pages.languages import LANGUAGES, Languages
from services.kit.pages.preferences import PreferencesMiddleware, preferences_of_scope
from services.kit.pages.qr import qr

HERE = Path(__file__).parent
VENDOR = {
    "htmx.js": "htmx/htmx.min.js",
    "swagger-ui.js": "swagger-ui/swagger-ui-bundle.js",
    "swagger-ui.css": "swagger-ui/swagger-ui.css",
}
"""Third-party files by the name that pages link, below the folder that the set-up installs them into."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link of header or footer; `count` is shown as a badge, `icon` names one of kit/icons.html."""

    text: str
    href: str
    icon: str = ""
    count: int = 0
    count_text: str = ""
    current: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds a page: who we are, where we are, the menu, the foot."""

    brand: str
    home: str = "/"
    place: str = ""
    menu: Sequence[Link] = ()
    menu_label: str = ""
    foot: Sequence[Link] = ()
    phone: str = ""
    phone_note: str = ""
    root_class: str = ""
    full_width: bool = False
    elder: bool = True
    notices: Sequence[str] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further values for the surface's own base template."""


class Library:
    """Templates, message catalogues and static files of one application. Each folder has templates/, static/, locales/.

    `assets_dir` is where the set-up installed third-party files; a page that links one that is not there is refused.
    """

    def __init__(self, folders: Iterable[Path], assets_dir: Path, helpers: Mapping[str, Any] | None = None) -> None:
        places = [HERE, *folders]
        self.languages = Languages(place / "locales" for place in places)
        self.assets = Assets()
        statics = [place / "static" for place in places if (place / "static").is_dir()]
        styles = [path for folder in statics for path in sorted(folder.glob("*.css"), key=_tokens_first)]
        self.assets.add_styles("pages.css", styles)
        scripts = [path.read_text("utf-8") for folder in statics for path in sorted(folder.glob("*.js"))]
        self.assets.add("pages.js", "\n".join(scripts).encode())
        for folder in statics:
            for path in sorted(folder.iterdir()):
                if path.suffix not in (".css", ".js"):
                    self.assets.add_file(path.name, path)
        for name, below in VENDOR.items():
            self.assets.add_file(name, assets_dir / below)
        self.environment = Environment(
            loader=FileSystemLoader([place / "templates" for place in places]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        )
        self.environment.install_gettext_callables(  # type: ignore[attr-defined]
            languages.gettext, languages.ngettext, newstyle=True
        )
        self.environment.globals |= {
            "asset": self.assets.address,
            "has_asset": self.assets.has,
            "language": languages.language,
            "today": dates.today,
            **(helpers or {}),
        }
        self.environment.filters |= {
            "pick": languages.pick,
            "day": dates.day,
            "day_only": dates.day_only,
            "full_day": dates.full_day,
            "moment": dates.moment,
            "clock": dates.clock,
            "size": dates.size_text,
            "qr": qr,
        }


def _tokens_first(path: Path) -> tuple[bool, str]:
    return path.name != "tokens.css", path.name


FrameMaker = Callable[[Request], Awaitable[Frame]]


class Pages:
    """The pages of one surface: renders templates inside its frame, guards its forms, sets its headers.

    `origin` is the surface's public origin (its forms are taken from nowhere else), `form_targets` further origins
    that a form's answer may redirect to, `key` 32 bytes shared by the surface's processes.
    """

    def __init__(
        self,
        library: Library,
        *,
        surface: str,
        origin: str,
        key: bytes,
        frame: FrameMaker,
        form_targets: Sequence[str] = (),
    ) -> None:
        self.library = library
        self.surface = surface
        self.origin = origin.rstrip("/")
        self.forms = FormGuard(surface, origin, key)
        self._frame = frame
        self._policy = content_policy(form_targets)

    def middleware(self) -> list[Middleware]:
        """What the application must be wrapped in: headers outside, preferences inside."""
        return [
            Middleware(SecurityHeaders, policy=self._policy, secure=self.origin.startswith("https:")),
            Middleware(PreferencesMiddleware, languages=self.library.languages),
        ]

    def install(self, app: Starlette) -> None:
        """Give `app` the middleware and the static files."""
        for middleware in reversed(self.middleware()):
            app.add_middleware(middleware.cls, *middleware.args, **middleware.kwargs)
        app.router.routes.insert(0, self.library.assets.route())

    async def render(
        self,
        request: Request,
        template: str,
        values: Mapping[str, Any] | None = None,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """A page (or part of one) as a response; the form cookie is set where a form needs it."""
        html = await self.text(request, template, values)
        response = HTMLResponse(html, status, dict(headers or {}))
        response.headers["content-language"] = languages.language()
        self.forms.keep(request, response)
        return response

    async def text(self, request: Request, template: str, values: Mapping[str, Any] | None = None) -> str:
        """A page (or part of one) as text."""
        preferences = preferences_of_scope(request.scope)
        frame = await self._frame(request)
        context = {
            "request": request,
            "frame": frame,
            "preferences": preferences,
            "other_languages": [
                (tag, name, preferences.link(lang=tag))
                for tag, name in LANGUAGES.items()
                if tag != preferences.language
            ],
            "form_token": lambda: self.forms.field(request),
            "surface": self.surface,
            **frame.extra,
            **(values or {}),
        }
        return self.library.environment.get_template(template).render(context)
