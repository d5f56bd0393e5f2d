"""Languages of pages: which one a reader gets, and the translated texts.

Chinese texts are the message ids themselves; other languages are `<folder>/<code>.po` files, compiled in memory at
the start. The language in use is a context variable, so that templates and Python code of one request agree.
"""

import gettext as _gettext
import io
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

CHINESE = "zh-CN"
ENGLISH = "en"
LANGUAGES: Mapping[str, str] = {CHINESE: "中文", ENGLISH: "English"}
"""Every language that pages have, by its tag (BCP 47), with its own name for itself."""

_language: ContextVar[str] = ContextVar("page_language", default=CHINESE)
_texts: ContextVar[_gettext.NullTranslations] = ContextVar("page_texts")
_SOURCE = _gettext.NullTranslations()


class Languages:
    """The message catalogues of one application, merged from several folders; a later folder wins."""

    def __init__(self, folders: Iterable[Path]) -> None:
        merged: dict[str, Catalog] = {}
        for folder in folders:
            for path in sorted(folder.glob("*.po")):
                # Named by language alone, so a service adds one file for each language and nothing else.
                catalog = merged.setdefault(path.stem, Catalog(path.stem))
                with path.open("rb") as file:
                    for message in read_po(file, locale=path.stem):
                        if message.id and message.string:
                            catalog.add(message.id, message.string, context=message.context)
        self._texts: dict[str, _gettext.NullTranslations] = {CHINESE: _SOURCE}
        for code, catalog in merged.items():
            compiled = io.BytesIO()
            write_mo(compiled, catalog)
            compiled.seek(0)
            self._texts[code] = _gettext.GNUTranslations(compiled)

    def use(self, language: str) -> None:
        """Speak `language` from here on in this request (this context)."""
        _language.set(language)
        _texts.set(self._texts.get(language, _SOURCE))


def language() -> str:
    """The language of the page being made."""
    return _language.get()


def gettext(message: str) -> str:
    """`message` in the language of the page."""
    return _texts.get(_SOURCE).gettext(message)


def ngettext(singular: str, plural: str, number: int) -> str:
    """The form for `number` in the language of the page; Chinese needs one form, given twice."""
    return _texts.get(_SOURCE).ngettext(singular, plural, number)


def pick(text: object) -> str:
    """The text of a `{zh, en}` value (mapping or object) in the language of the page, Chinese where English lacks."""
    if text is None:
        return ""
    if isinstance(text, Mapping):
        chinese, english = text.get("zh"), text.get("en")
    else:
        chinese, english = getattr(text, "zh", None), getattr(text, "en", None)
    return str((english if language() == ENGLISH and english else chinese) or "")


def negotiate(cookie: str | None, accept: str) -> str:
    """The language for a reader: their own choice (cookie), else Accept-Language (RFC 9110 §12.5.4), else Chinese."""
    if cookie is not None and cookie in LANGUAGES:
        return cookie
    best, best_quality = CHINESE, 0.0
    for part in accept.split(","):
        tag, _, parameters = part.strip().partition(";")
        try:
            quality = float(parameters.strip().removeprefix("q=")) if parameters else 1.0
        except ValueError:
            continue
        primary = tag.strip().lower().partition("-")[0]
        found = {"zh": CHINESE, "en": ENGLISH}.get(primary)
        if found and quality > best_quality:
            best, best_quality = found, quality
    return best
