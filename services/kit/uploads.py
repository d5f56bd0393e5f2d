"""What a file that somebody hands in really is, and a name for it that does no harm. Pure rules, no I/O."""

import re
import unicodedata
from typing import Final

HEAD_BYTES: Final = 64
"""How much of a file's beginning tells its type."""

_SIGNATURES: Final[tuple[tuple[str, re.Pattern[bytes], str], ...]] = (
    ("application/pdf", re.compile(rb"%PDF-\d\.\d"), ".pdf"),
    ("image/jpeg", re.compile(rb"\xff\xd8\xff"), ".jpg"),
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n"), ".png"),
    ("image/gif", re.compile(rb"GIF8[79]a"), ".gif"),
    ("image/webp", re.compile(rb"RIFF.{4}WEBP", re.DOTALL), ".webp"),
    ("image/tiff", re.compile(rb"II\*\x00|MM\x00\*"), ".tif"),
    ("application/ofd", re.compile(rb"PK\x03\x04.{26}OFD\.xml", re.DOTALL), ".ofd"),
)
"""Types that people hand in, by their first bytes. What is not here is not taken: a name or a header proves nothing."""

_ALIASES: Final = {".jpeg": ".jpg", ".tiff": ".tif"}
_MAX_NAME: Final = 100


def media_type_of(head: bytes) -> str | None:
    """The media type that a file's first HEAD_BYTES show, or None."""
    return next((media_type for media_type, signature, _ in _SIGNATURES if signature.match(head)), None)


def suffix_of(media_type: str) -> str:
    """The usual suffix of a media type that `media_type_of` knows."""
    return next(suffix for known, _, suffix in _SIGNATURES if known == media_type)


def safe_filename(name: str, media_type: str | None = None) -> str:
    """A harmless name in Unicode NFC, at most 100 characters, with a suffix that fits `media_type` where one is given.

    No path, no control, format or bidirectional characters (a name must not read as another one), no characters that
    file systems keep for themselves, no outer spaces or dots. "file" where nothing is left.
    """
    # White space first: a line end is a control character and would join two words otherwise.
    name = re.sub(r"\s", " ", name.replace("\\", "/").rpartition("/")[2])
    name = "".join(c for c in name if unicodedata.category(c)[0] != "C" and c not in '<>:"|?*')
    # Spaces and letters that what was removed kept apart come together only now.
    name = re.sub(" +", " ", unicodedata.normalize("NFC", name)).strip(" .")
    stem, dot, ending = name.rpartition(".")
    given = f".{ending.lower()}"
    suffix = suffix_of(media_type) if media_type else given if dot and stem else ""
    if dot and stem and _ALIASES.get(given, given) == suffix:
        return _cut(stem, given)
    return _cut(name or "file", suffix)


def _cut(stem: str, suffix: str) -> str:
    suffix = suffix[: _MAX_NAME // 2]
    return (stem[: _MAX_NAME - len(suffix)].rstrip(" .") or "file") + suffix
