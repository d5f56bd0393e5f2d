"""Identifiers of electronic licences (电子证照标识, GB/T 36904-2018) and their check character.

1.2.156.3005.2.<licence type: USCC 18 + 3>.<issuer's USCC>.<serial>.<version 3>.<check>; the check is ISO/IEC 7064
MOD 37,36 (GB/T 17710-2008) over the middle four fields without dots.
"""

import re
from dataclasses import dataclass
from typing import Final

from services.catalog.domain.codes import uscc_problem
from services.catalog.domain.registers import code_problem

PREFIX: Final = "1.2.156.3005.2"
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FORM: Final = re.compile(
    r"1\.2\.156\.3005\.2\.(?P<type>[0-9A-Z]{21})\.(?P<issuer>[0-9A-Z]{18})\.(?P<serial>[0-9A-Z]{1,64})"
    r"\.(?P<version>[0-9A-Z]{3})\.(?P<check>[0-9A-Z])"
)


@dataclass(frozen=True, slots=True)
class LicenceIdentifier:
    """The parts of an identifier that checks."""

    licence_type: str
    issuer: str
    serial: str
    version: str


def check_character(text: str) -> str:
    """ISO/IEC 7064 MOD 37,36 (hybrid system, §9): from P = 36, for each character S = (P + value) mod 36, of which 0
    counts as 36, and P = 2·S mod 37; the check makes (P + check) mod 36 = 1."""
    product = 36
    for letter in text:
        total = (product + _ALPHABET.index(letter)) % 36 or 36
        product = 2 * total % 37
    return _ALPHABET[(37 - product) % 36]


def licence_identifier(licence_type: str, issuer: str, serial: str, version: str) -> str:
    """The whole identifier of one licence. Raises ValueError for parts that it cannot hold."""
    parts = (licence_type, issuer, serial, version)
    identifier = ".".join((PREFIX, *parts, check_character("".join(parts))))
    if parse_identifier(identifier) is None:
        raise ValueError("a licence identifier needs a licence type, an issuer's credit code, a serial and a version")
    return identifier


def parse_identifier(identifier: str) -> LicenceIdentifier | None:
    """The parts of an identifier; None for what is none, whose credit codes or whose check are wrong."""
    found = _FORM.fullmatch(identifier)
    if found is None or code_problem("licence", found["type"]) or uscc_problem(found["issuer"]):
        return None
    parts = found.group("type", "issuer", "serial", "version")
    return LicenceIdentifier(*parts) if check_character("".join(parts)) == found["check"] else None
