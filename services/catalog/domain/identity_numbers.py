"""Whether a text holds a citizen's identity number (公民身份号码, GB 11643-1999), which has no place in free text.

Found also with full-width digits and with spaces or hyphens between them. A number counts when its birth date exists
and its check digit fits: credit codes and case numbers have as many digits.
"""

import re
import unicodedata
from datetime import date
from typing import Final

_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS: Final = "10X98765432"
_LENGTH: Final = 18
_BETWEEN: Final = re.compile(r"(?<=[0-9])[ \t\u00b7.,·_-]{1,3}(?=[0-9Xx])")
_RUN: Final = re.compile(r"[0-9]{17,}[Xx]?")


def holds_identity_number(text: str) -> bool:
    """Whether some 18 characters of `text` are a citizen's identity number."""
    narrow = _BETWEEN.sub("", unicodedata.normalize("NFKC", text))
    for run in _RUN.finditer(narrow):
        found = run[0].upper()
        if any(_is_number(found[at : at + _LENGTH]) for at in range(len(found) - _LENGTH + 1)):
            return True
    return False


def _is_number(text: str) -> bool:
    # Regions begin with 1-8; 9 are permanent residents from abroad.
    if text[0] == "0":
        return False
    try:
        born = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, text[:17], strict=True))
    return born.year >= 1850 and text[17] == _CHECKS[total % 11]
