"""Texts that people wrote elsewhere: what is set right without doubt, and what has no place in one.

The one place for every text of the catalogue, from a file or a form: clean it first, then ask what is wrong with it.
"""

import re
import unicodedata
from typing import Final, Literal

Note = Literal["width", "space", "invisible", "case"]
"""What was set right: full-width digits and letters, space around or repeated, letters of no width, small letters."""
TextProblem = Literal["too_long", "bad_character", "markup"]
PROBLEMS: Final[dict[TextProblem, str]] = {
    "too_long": "longer than {longest} characters",
    "bad_character": "a control character, private use character or direction override",
    "markup": "an HTML tag",
}
"""What each problem is called in reports for operators."""

# Only digits and letters: （） and ： are how Chinese is written, and NFKC of the whole text would change them.
_WIDE: Final = {
    wide: wide - 0xFEE0 for first, last in ("０９", "ＡＺ", "ａｚ") for wide in range(ord(first), ord(last) + 1)
}
# Zero width space, word joiner, byte-order mark: they make two names that look alike differ.
_NO_WIDTH: Final = re.compile("[\u200b\u2060\ufeff]+")
# Spaces and ends of lines, and no control character that `str.split` takes for one.
_SPACE: Final = "[ \t\r\n\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
_SPACES: Final = re.compile(f"{_SPACE}+")
_LINE_ENDS: Final = re.compile("\r\n|[\r\n\u2028\u2029]")
_UNCLEAN: Final = re.compile(
    "[０-９Ａ-Ｚａ-ｚ\u200b\u2060\ufeff\t\r\n\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]|  |^ | $"
)
# Control, surrogate, private use, unassigned (Unicode 15, chapter 4.5).
_BARRED: Final = frozenset({"Cc", "Cs", "Co", "Cn"})
# What changes the direction of what follows (UAX #9 §2), and the tag characters (Unicode 15, chapter 23.9).
_TURNING: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
# Where a parser of HTML begins a tag, a comment or a declaration (WHATWG HTML §13.2.5.6); 面积<50 is none.
_TAG: Final = re.compile("<[A-Za-z/!?]")


def cleaned(text: str, *, lines: bool = False) -> tuple[str, tuple[Note, ...]]:
    """`text` with half-width digits and letters, single spaces and nothing invisible; what of it was set right.

    With `lines` the ends of lines stay, as one \\n each.
    """
    if not _UNCLEAN.search(text):
        return text, ()
    notes: list[Note] = []
    narrow = text.translate(_WIDE)
    if narrow != text:
        notes.append("width")
    seen = _NO_WIDTH.sub("", narrow)
    if seen != narrow:
        notes.append("invisible")
    if lines:
        spaced = "\n".join(_SPACES.sub(" ", line).strip(" ") for line in _LINE_ENDS.split(seen)).strip("\n")
    else:
        spaced = _SPACES.sub(" ", seen).strip(" ")
    if spaced != seen:
        notes.append("space")
    return spaced, tuple(notes)


def cleaned_code(text: str) -> tuple[str, tuple[Note, ...]]:
    """`text` as codes are kept: half-width (NFKC), capitals, no space around it; what of it was set right."""
    if text.isascii() and text == text.strip().upper():
        return text, ()
    narrow = unicodedata.normalize("NFKC", text)
    # NFKC makes plain spaces of wide ones, which is no change of width.
    seen = _NO_WIDTH.sub("", narrow).strip()
    capitals = seen.upper()
    notes: list[Note] = []
    if unicodedata.normalize("NFKC", text.strip()) != text.strip():
        notes.append("width")
    if _NO_WIDTH.search(narrow):
        notes.append("invisible")
    if text != text.strip():
        notes.append("space")
    if capitals != seen:
        notes.append("case")
    return capitals, tuple(notes)


def text_problem(text: str, longest: int, *, lines: bool = False) -> TextProblem | None:
    """Why `text` cannot be kept, or None: longer than `longest`; control characters (ends of lines pass with `lines`),
    lone surrogates, private use, what turns the direction of writing; a tag of HTML."""
    if len(text) > longest:
        return "too_long"
    shown = text.replace("\n", "") if lines else text
    if not shown.isprintable() and (_TURNING.search(shown) or any(map(_barred, shown))):
        return "bad_character"
    return "markup" if "<" in text and _TAG.search(text) else None


def _barred(letter: str) -> bool:
    return unicodedata.category(letter) in _BARRED
