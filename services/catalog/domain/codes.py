"""Codes of the field: unified social credit codes, service item codes, item types, levels.

Every function takes text as people type it and says what is wrong instead of raising, because most callers report.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, Literal

CodeSystem = Literal["gb-12", "gb-31", "gb-33", "legacy"]

# GB 32100-2015: digits and capitals without I, O, Z, S, V; the position is the value.
_USCC_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_VALUES: Final = {letter: value for value, letter in enumerate(_USCC_ALPHABET)}
_USCC_WEIGHTS: Final = tuple(pow(3, place, 31) for place in range(17))
# Registering department and class of organisation, as GB 32100-2015 table 1 and its amendments list them.
_USCC_CLASSES: Final = {
    "1": "1239", "2": "19", "3": "123459", "4": "19", "5": "1239", "6": "129", "7": "129", "8": "19", "9": "123",
    "A": "19", "N": "1239", "Y": "1",
}  # fmt: skip
# GB 11714-1997, whose check the organisation code inside a USCC keeps; A–Z count 10–35 here.
_ORGANISATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_USCC_FORM: Final = re.compile(rf"[{_USCC_ALPHABET}]{{2}}[0-9]{{6}}[{_USCC_ALPHABET}]{{10}}")

UsccProblem = Literal["absent", "malformed", "unknown_class", "organisation_check", "check"]

ITEM_TYPES: Final[dict[str, tuple[str, str]]] = {
    "01": ("行政许可", "Licence"),
    "02": ("行政处罚", "Penalty"),
    "03": ("行政强制", "Coercion"),
    "04": ("行政征收", "Levy"),
    "05": ("行政给付", "Payment"),
    "06": ("行政检查", "Inspection"),
    "07": ("行政确认", "Confirmation"),
    "08": ("行政奖励", "Reward"),
    "09": ("行政裁决", "Ruling"),
    "10": ("其他行政权力", "Other administrative power"),
    "20": ("公共服务", "Public service"),
}
"""Item types of GB/T 39046-2020 with their names in Chinese and English. Provinces add theirs: `item_types`."""

LICENCE: Final = "01"

_BASE_FORM: Final = re.compile(
    r"(?P<region>[1-8]\d)(?P<type>\d{2})(?P<department>\d{2})(?P<sequence>\d{3})(?P<sub>\d{3})", re.ASCII
)
# Local item number, area, sub-number, implementing organisation, flags: as regional platforms publish. Read from the
# right, because local number and organisation may themselves hold hyphens.
_COMPOSITE_FORM: Final = re.compile(r".+-\d{12}-\d{3,4}-(?P<organisation>[0-9A-Z-]+)-\d-\d{2}")
_WRITTEN_FORM: Final = re.compile(r"[0-9A-Z]([0-9A-Z._()-]*[0-9A-Z)])?")
LONGEST_ITEM_CODE: Final = 64
MOST_SEQUENCE: Final = 999
MOST_HANDLING: Final = 99


@cache
def _provincial_types() -> Mapping[str, Mapping[str, tuple[str, str]]]:
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for line in files("services.catalog.data").joinpath("item_types.tsv").read_text("utf-8").splitlines():
        province, code, zh, en = line.split("\t")
        found.setdefault(province, {})[code] = (zh, en)
    return found


def item_types(region: str) -> Mapping[str, tuple[str, str]]:
    """Item types in force in the division whose code begins with `region`: the national ones, and what its province
    has added (`data/item_types.tsv`, a line each)."""
    return {**ITEM_TYPES, **_provincial_types().get(region[:2], {})}


def provincial_types() -> Iterator[tuple[str, str, tuple[str, str]]]:
    """What provinces have added: the province (two digits), the code, its names in Chinese and English."""
    for province, added in _provincial_types().items():
        for code, names in added.items():
            yield province, code, names


def normalise_code(text: str) -> str:
    """`text` as codes are kept: without surrounding space, half-width, capitals."""
    return unicodedata.normalize("NFKC", text).strip().upper()


def organisation_check_digit(first_eight: str) -> str:
    """Check digit of a nine-character organisation code (GB 11714-1997): 11 - S mod 11, 10 is X, 11 is 0."""
    total = sum(weight * int(letter, 36) for weight, letter in zip(_ORGANISATION_WEIGHTS, first_eight, strict=True))
    return "0123456789X0"[11 - total % 11]


def uscc_check_digit(first_seventeen: str) -> str:
    """Check character of a USCC (GB 32100-2015): (31 - S mod 31) mod 31 in the code's own alphabet."""
    total = sum(weight * _USCC_VALUES[letter] for weight, letter in zip(_USCC_WEIGHTS, first_seventeen, strict=True))
    return _USCC_ALPHABET[-total % 31]


@lru_cache(maxsize=4096)  # an import asks of one organisation again and again
def uscc_problem(code: str | None) -> UsccProblem | None:
    """Why `code` is no valid unified social credit code (统一社会信用代码, GB 32100-2015), or None when it is one.

    Both check digits count: the organisation code's inside and the whole code's.
    """
    if not code:
        return "absent"
    if not _USCC_FORM.fullmatch(code):
        return "malformed"
    if code[1] not in _USCC_CLASSES.get(code[0], ""):
        return "unknown_class"
    if organisation_check_digit(code[8:16]) != code[16]:
        return "organisation_check"
    return None if uscc_check_digit(code[:17]) == code[17] else "check"


def mint_uscc(pair: str, region: str, organisation: str) -> str:
    """The USCC of an organisation from class pair, six-digit region and the first eight characters of its own code."""
    partial = f"{pair}{region}{organisation}{organisation_check_digit(organisation)}"
    return partial + uscc_check_digit(partial)


def base_code(region: str, item_type: str, department: str, sequence: int, sub_item: int = 0) -> str:
    """Base code (基本编码) of 12 digits: region 2, item type 2, department class 2, sequence 3, sub-item 3."""
    code = f"{region}{item_type}{department}{sequence:03d}{sub_item:03d}"
    if len(code) != 12 or not 1 <= sequence <= MOST_SEQUENCE or not _is_base_code(code):
        raise ValueError(f"{code} is no base code")
    return code


def implementation_code(uscc: str, level: int, base: str) -> str:
    """Implementation code (实施编码) of 31 characters: the organisation's USCC, level 1–7, base code."""
    if uscc_problem(uscc) or not 1 <= level <= 7 or not _is_base_code(base):
        raise ValueError("an implementation code needs a valid USCC, a level 1–7 and a base code")
    return f"{uscc}{level}{base}"


def handling_code(implementation: str, number: int) -> str:
    """Handling-item code (办理项编码) of 33 characters: the implementation code and two digits from 01 on."""
    found = parse_item_code(implementation)
    if found is None or found.system != "gb-31" or not 1 <= number <= MOST_HANDLING:
        raise ValueError("a handling-item code needs an implementation code and a number 1–99")
    return f"{implementation}{number:02d}"


def base_in(code: str) -> str | None:
    """The base code inside an implementation or handling-item code; None where there is none."""
    return code[19:31] if len(code) in (31, 33) and _is_base_code(code[19:31]) else None


def code_above(code: str) -> str | None:
    """The code that `code` holds and continues: of an implementation its base item's, of a handling item its
    implementation's."""
    base = base_in(code)
    return code[:31] if base is not None and len(code) == 33 else base


@dataclass(frozen=True, slots=True)
class BaseCode:
    """What a base code is made of."""

    region: str
    """First two digits of the division (GB/T 2260): the province that keeps the base item."""
    item_type: str
    department: str
    """Class of the department (部门分类), as the region numbers its departments; no national table is published."""
    sequence: int
    sub_item: int
    """0: the item itself."""


def parse_base_code(text: str) -> BaseCode | None:
    """Take a base code apart; None for what is none."""
    found = _BASE_FORM.fullmatch(normalise_code(text))
    if found is None or found["type"] not in item_types(found["region"]):
        return None
    return BaseCode(found["region"], found["type"], found["department"], int(found["sequence"]), int(found["sub"]))


def _is_base_code(code: str) -> bool:
    return parse_base_code(code) is not None


@dataclass(frozen=True, slots=True)
class ItemCode:
    """A service item's code, the system it belongs to, and the organisation code that it carries."""

    code: str
    system: CodeSystem
    organisation: str | None
    """The implementing organisation's code as it stands inside, checked by nobody yet; None where there is none."""


def parse_item_code(text: str) -> ItemCode | None:
    """Read an item code (事项编码); None for what is no code at all.

    12 digits: base code; 31: implementation code; 33: handling-item code. What has such a length and does not
    check, and codes of other systems (GB/T 39046-2020 allows an..24, regions write more), are kept as "legacy".
    """
    code = normalise_code(text)
    if len(code) > LONGEST_ITEM_CODE or not _WRITTEN_FORM.fullmatch(code):
        return None
    if len(code) == 12 and _is_base_code(code):
        return ItemCode(code, "gb-12", None)
    if (
        len(code) in (31, 33)
        and code[18] in "1234567"
        and _is_base_code(code[19:31])
        and (len(code) == 31 or code[31:].isalnum())
    ):
        valid = uscc_problem(code[:18]) is None
        if valid:
            return ItemCode(code, "gb-31" if len(code) == 31 else "gb-33", code[:18])
        return ItemCode(code, "legacy", code[:18])
    found = _COMPOSITE_FORM.fullmatch(code)
    return ItemCode(code, "legacy", found["organisation"] if found else None)


def item_type(text: str, region: str = "") -> str | None:
    """Two-digit item type (GB/T 39046-2020) from "1", "01" or " ２０"; None where unknown. `region`, a division's code,
    admits what its province has added."""
    digits = normalise_code(text)
    if not digits.isascii() or not digits.isdigit() or len(digits) > 2:
        return None
    code = digits.zfill(2)
    return code if code in item_types(region) else None
