"""Server-rendered pages: layout, style, languages, dates, forms and their guard, static files, security headers.

The one way in. A service with pages makes a `Library` (its templates/, static/ and locales/ folders beside the kit's),
one `Pages` for each surface, and calls `pages.install(app)`; a view reads with `await pages.forms.read(request)` and
answers with `await pages.render(request, "x.html", {...})`. Templates extend kit/base.html and use kit/macros.html.
Texts are written in Chinese, `{{ _("…") }}` in templates and `gettext("…")` in code; locales/en.po has the English.
"""

from services.kit.pages.assets import AssetMissing, Assets
from services.kit.pages.dates import clock_text, day, day_text, full_day, local, moment, today
from services.kit.pages.forms import Form, FormExpired, FormGuard, parse_form, posted, read_body
from services.kit.pages.languages import CHINESE, ENGLISH, LANGUAGES, gettext, language, negotiate, ngettext, pick
from services.kit.pages.preferences import (
    LANGUAGE_COOKIE,
    MODE_COOKIE,
    Preferences,
    own_path,
    preferences_of_scope,
    set_preference,
)
from services.kit.pages.problems import install_errors
from services.kit.pages.render import Frame, Library, Link, Pages
from services.kit.pages.rulers import Cell, Ruler, ruler

__all__ = [
    "CHINESE",
    "ENGLISH",
    "LANGUAGES",
    "LANGUAGE_COOKIE",
    "MODE_COOKIE",
    "AssetMissing",
    "Assets",
    "Cell",
    "Form",
    "FormExpired",
    "FormGuard",
    "Frame",
    "Library",
    "Link",
    "Pages",
    "Preferences",
    "Ruler",
    "clock_text",
    "day",
    "day_text",
    "full_day",
    "gettext",
    "install_errors",
    "language",
    "local",
    "moment",
    "negotiate",
    "ngettext",
    "own_path",
    "parse_form",
    "pick",
    "posted",
    "preferences_of_scope",
    "read_body",
    "ruler",
    "set_preference",
    "today",
]
